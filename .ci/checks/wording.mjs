// wording TOML… -- DIR…: textlint reads every Japanese string of the templates, each by itself with its braces filled in, and
// the sentences of each DIR/body.txt as the reader gets them. The rules are those of .ci/textlint.json.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "smol-toml";
import { createLinter, loadTextlintrc } from "textlint";

const FILLED = {
  feature: "ウイルス", percent: "12.5", count: "3", names: "PC-01", desk: "サポートデスク", from: "10/5", to: "10/9",
  month: "2026年10月", product: "おまかせアンチウイルス", revision: "", year: "2026", m: "10", d: "5", weekday: "月",
  days: "10/5", threats: "TROJ_X", results: "駆除1件", asks: "3", confirmed: "3", handled: "3",
};

// What the rules would have otherwise and we keep, each with the reason.
const KEPT = [
  { rule: "no-doubled-joshi", text: "の方が検出数が多い傾向", why: "the reader's guide words this sentence so" },
  { rule: "no-doubled-joshi", text: "保護機能が最新でない端末が", why: "the service's own term (保護機能が最新でないエージェント)" },
  { rule: "no-doubled-joshi", text: "注意が必要なイベントが", why: "the service's own term (注意が必要なイベント)" },
  { rule: "no-doubled-joshi", text: "再起動が必要な端末が", why: "the first が stands inside the clause; a plain sentence" },
  { rule: "no-doubled-joshi", text: "と比較して、", why: "と compares first and joins then, as the sentence is known to be read" },
  { rule: "no-doubled-joshi", text: "気づかないうちに端末に入り込み", why: "うちに is one adverb" },
];

const FULL_LINE = 72; // columns, of the 76 that the text body has

const args = process.argv.slice(2);
const split = args.indexOf("--");
const texts = [
  ...args.slice(0, split).flatMap((file) => strings(basename(file), parse(readFileSync(file, "utf8")))),
  ...args.slice(split + 1).flatMap((dir) => sentences(basename(dir), readFileSync(join(dir, "body.txt"), "utf8"))),
];
if (texts.length < 100) throw new Error(`found only ${texts.length} strings to read`);

const descriptor = await loadTextlintrc({ configFilePath: fileURLToPath(new URL("../textlint.json", import.meta.url)) });
const linter = createLinter({ descriptor });
const seen = new Set();
let faults = 0;
for (const { at, text } of texts) {
  if (seen.has(text)) continue;
  seen.add(text);
  const { messages } = await linter.lintText(text, "words.txt");
  for (const { message, ruleId } of messages) {
    if (KEPT.some((kept) => ruleId.endsWith(`/${kept.rule}`) && text.includes(kept.text))) continue;
    faults++;
    console.error(`${at}: ${ruleId.replace(/^.*\//, "")}: ${message.replace(/\s+/g, " ")}\n    ${text}`);
  }
}
console.log(`    ${seen.size} texts, ${faults} faults`);
process.exitCode = faults ? 1 : 0;

function strings(at, value) {
  if (typeof value === "object") return Object.entries(value).flatMap(([key, inner]) => strings(`${at} ${key}`, inner));
  if (!/[ぁ-ん]/.test(value)) return []; // a term or a sign, no sentence
  return [{ at, text: value.replace(/\{(\w+)\}/g, (gap) => filled(gap)) }];
}

function filled(gap) {
  const value = FILLED[gap.slice(1, -1)];
  if (value === undefined) throw new Error(`nothing to fill ${gap} with: add it to FILLED`);
  return value;
}

// sentences undoes the line breaks of the text body (a full line goes on in the next) and keeps what is a sentence: tables,
// lists of names and headings are not.
function sentences(at, body) {
  const lines = [];
  let full = false;
  for (const line of body.split(/\r?\n/)) {
    if (full && line.trim()) lines.push(lines.pop() + line.trim());
    else lines.push(line.trim());
    // Within brackets stand names, which are not broken wherever a line is full.
    full = /\([^)]*$/.test(lines.at(-1)) || (width(line) >= FULL_LINE && /[^\x00-\x7f]$/.test(line));
  }
  return lines
    .filter((line) => /(です|ます|ません|でした|ました|ください)(。|$)/.test(line) && !/^対象|\s{2}/.test(line))
    // Names in brackets are the customer's, and their length says nothing of how a sentence is worded.
    .map((text) => ({ at: `${at}/body.txt`, text: text.replace(/\(.*[/、].*\)/, "(PC-01)") }));
}

function width(line) {
  return [...line].reduce((sum, char) => sum + (/[\x00-\x7f]/.test(char) ? 1 : 2), 0);
}
