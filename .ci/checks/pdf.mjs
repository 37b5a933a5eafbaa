// pdf DIR…: other people's readers (poppler, qpdf) give back what DIR/report.json says that the PDFs beside it print: every
// heading in order, every figure, every ranked or listed name in full. Also page size and number, file size, title,
// author, language, bookmarks and links. The headings below are the specification's, on purpose not those of templates/.
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

const MAX_PAGES = 14;
const MAX_BYTES = 250_000;
const BOUND_TO = 200; // endpoints: a larger contract may print more
const LIST_MAX = 100; // names that a list prints, the rest is counted
const OBJECTS_MAX = 50;

const VIRUS = "ウイルス/不正プログラム";
const SPYWARE = "スパイウェア/グレーウェア";
const TOP = "検出数が上位のエンドポイント";
const FEATURES = [
  ["virus", VIRUS, ["検出総数", TOP, "検出数が上位のサーバ", "検出の傾向", "処理の結果", `検出された上位の${VIRUS}`]],
  ["spyware", SPYWARE, ["検出総数", TOP, "検出数が上位のサーバ", "検出の傾向", "処理の結果", `検出された上位の${SPYWARE}`]],
  ["web_reputation", "Webレピュテーション", ["検出総数", TOP, "検出の傾向"]],
  ["behavior_monitoring", "挙動監視", ["検出総数", "違反のあったエンドポイントの上位", "検出の傾向", "違反のあったアプリケーションの上位"]],
  ["url_filtering", "URLフィルタ", ["検出総数", TOP, "検出の傾向", "検出された上位のURLカテゴリ"]],
  ["network_virus", "ネットワークウイルス", ["検出総数", TOP, "検出の傾向", "検出された上位のネットワークウイルス"]],
];
const OVERVIEW = ["製品/サービス情報", "インストールされているエージェントの概要", "検出の概要"];
const RESULTS = {
  virus: { cleaned: "駆除", deleted: "削除", quarantined: "隔離", renamed: "拡張子変更", passed: "放置", uncleanable: "要確認", unknown: "その他" },
  spyware: { cleaned: "駆除", noncleaned: "駆除されていません", reboot: "再起動する", unsafe: "安全ではない", unknown: "その他" },
};
const STATUS = { new: "新規", in_progress: "対応中", closed: "対応済み" };
const EDR_HEADINGS = [
  "1 不審アクティビティの検出", "1-1 注意が必要なイベントの検出傾向", "1-2 注意が必要なオブジェクトのトップ5",
  "1-3 リスクがあるエンドポイントのトップ5", "1-4 注意が必要なイベントのステータス", "1-5 注意が必要なオブジェクト",
  "2 保護の概要", "2-1 オフラインエージェント", "2-2 保護機能が最新でないエージェント",
  "2-3 サポートされていないオペレーティングシステムを実行しているエンドポイント",
  "3 エンドポイント保護", "3-1 リアルタイム検索", "3-2 挙動監視", "3-3 機械学習型検索", "3-4 Webレピュテーション",
  "3-5 Endpoint Detection and Response",
  "4 メールの保護", "4-1 一般的な保護", "4-2 高度なスパムメール対策", "4-3 不正プログラム検索", "4-4 Webレピュテーション", "4-5 仮想アナライザ",
];

const TYPES = { file: "ファイル", process: "プログラム", registry: "レジストリ", url: "URL", ip: "IPアドレス", network: "通信" };
const OBJECT_RESULTS = {
  terminated: "停止しました", quarantined: "隔離しました", deleted: "削除しました", cleaned: "駆除しました", blocked: "ブロックしました", none: "処理していません",
};

const faults = [];
let pdfs = 0;
let looked = 0;
for (const dir of process.argv.slice(2)) {
  const report = JSON.parse(readFileSync(join(dir, "report.json"), "utf8"));
  const files = readdirSync(dir).filter((name) => name.endsWith(".pdf"));
  const expected = report.edr ? ["geppo-av", "geppo-edr"] : ["geppo-av"];
  if (files.map((f) => f.split("_")[0]).sort().join() !== expected.join()) faults.push(`${dir}: has ${files.join(", ")}`);
  for (const name of files) {
    pdfs++;
    const pdf = open(join(dir, name));
    checkFile(pdf, report);
    if (name.startsWith("geppo-av")) checkAntivirus(pdf, report);
    else checkEDR(pdf, report);
  }
}
for (const fault of faults) console.error(fault);
console.log(`    ${pdfs} PDFs, looked for ${looked} headings, names and figures, ${faults.length} faults`);
process.exitCode = faults.length || !looked ? 1 : 0;

// open gives a PDF as its readers see it: text is what pdftotext lays out in lines, packed the same in reading order
// without any space, since a long name may go on in the next line.
function open(file) {
  const run = (tool, ...args) => execFileSync(tool, args, { encoding: "utf8", maxBuffer: 1 << 28 });
  const info = Object.fromEntries(run("pdfinfo", "-l", "999", file).split("\n").map((line) => {
    const [, key, value] = /^(.+?):\s*(.*)$/.exec(line) ?? [];
    return [key, value];
  }));
  const json = JSON.parse(run("qpdf", "--json=2", "--json-key=qpdf", "--json-key=outlines", file));
  const objects = Object.values(json.qpdf[1]).map((o) => o.value ?? o.stream?.dict ?? {});
  const laid = run("pdftotext", "-layout", file, "-");
  const text = spoken(run("pdfinfo", "-struct-text", file));
  return {
    fault: (what) => faults.push(`${basename(file)}: ${what}`),
    bytes: statSync(file).size, info, text, laid, packed: pack(text) + pack(laid) + pack(run("pdftotext", "-raw", file, "-")),
    catalog: objects.find((o) => o["/Type"] === "/Catalog"), outlines: json.outlines,
    links: links(objects),
  };
}

// spoken is a document as it is heard: in the order of its structure, a line for each heading, paragraph, item and row of a table.
function spoken(tree) {
  const lines = [];
  let row = -1; // how deep the row that is being read stands
  for (const line of tree.split("\n")) {
    const depth = line.search(/\S/);
    const kind = /^ *([A-Z][A-Za-z0-9]*)\b/.exec(line)?.[1];
    if (kind) {
      if (row >= 0 && depth <= row) row = -1;
      if (row < 0) lines.push("");
      if (kind === "TR") row = depth;
    } else {
      const said = /^ *"(.*)"$/.exec(line)?.[1];
      if (said !== undefined) lines[lines.length - 1] += (row >= 0 && lines.at(-1) ? "  " : "") + said;
    }
  }
  return lines.filter((l) => l.trim()).join("\n");
}

// links walks down to the addresses, which stand in a page's annotations or in objects of their own.
function links(value) {
  if (typeof value !== "object" || !value) return [];
  if (typeof value["/URI"] === "string") return [value["/URI"].replace(/^u:/, "")];
  return Object.values(value).flatMap(links);
}

function pack(text) {
  return text.normalize("NFC").replace(/[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufffd]/g, "");
}

function checkFile({ fault, bytes, info, catalog, outlines, text, laid }, { contract, overview }) {
  const sizes = Object.entries(info).filter(([key]) => /^Page +\d+ size$/.test(key));
  for (const [page, size] of sizes) if (!/\(A4\)/.test(size)) fault(`${page} is ${size}, not A4`);
  if (sizes.length !== Number(info.Pages)) fault(`pdfinfo sizes ${sizes.length} of ${info.Pages} pages`);
  if (!info.Title?.includes("月次レポート")) fault(`title is ${info.Title}`);
  if (!info.Author) fault("has no author");
  if (!/^u:ja/.test(catalog["/Lang"] ?? "")) fault(`/Lang is ${catalog["/Lang"]}`);
  if (!outlines.length) fault("has no bookmarks");
  for (let n = 1; n <= info.Pages; n++) if (!new RegExp(`${n} */ *${info.Pages}`).test(laid)) fault(`page ${n} has no "${n} / ${info.Pages}"`);
  const endpoints = Object.values(overview.installed).reduce((a, b) => a + b);
  if (endpoints <= BOUND_TO && info.Pages > MAX_PAGES) fault(`${info.Pages} pages for ${endpoints} endpoints`);
  if (endpoints <= BOUND_TO && bytes > MAX_BYTES) fault(`${bytes} bytes for ${endpoints} endpoints`);
  if (!text.includes(contract.id)) fault("does not print the contract's number");
  const wrongProduct = overview.product === "端末セキュリティ" ? "おまかせアンチウイルス" : "端末セキュリティ";
  if (text.includes(wrongProduct)) fault(`says ${wrongProduct} to a customer of ${overview.product}`);
}

function checkAntivirus(pdf, report) {
  const headings = [["1 概要", OVERVIEW], ...FEATURES.map(([, heading, parts], i) => [`${i + 2} ${heading}`, parts])];
  const sections = split(pdf, headings.map(([heading]) => heading));
  const [overview, ...features] = sections;
  subheadings(pdf, overview, 1, OVERVIEW);
  const { licences, usage_percent: usage, installed, product } = report.overview;
  holds(pdf, overview, pack(product), `${licences}`, ...Object.entries(installed).filter(([cls, n]) => n || cls !== "unknown").map(([, n]) => `${number(n)}台`));
  if (licences > 0 && usage != null) holds(pdf, overview, `${usage >= 10 ? Math.round(usage) : usage}％`);
  for (const s of report.overview.summary) {
    if (s.configured === false) continue;
    const heading = FEATURES.find(([key]) => key === s.feature)[1];
    const want = [number(s.current), ...(s.previous == null ? [] : [number(s.previous)])].map((n) => `${n}件`);
    row(pdf, pdf.text, heading, ...want); // in the first page's table
  }
  for (const [i, feature] of report.antivirus.entries()) {
    const [key, , parts] = FEATURES[i];
    if (feature.feature !== key) pdf.fault(`report.json has ${feature.feature} where ${key} belongs`);
    if (!feature.total) continue; // one sentence says so
    checkFeature(pdf, features[i], i + 2, parts, feature);
  }
}

function checkFeature(pdf, section, major, parts, feature) {
  subheadings(pdf, section, major, parts);
  holds(pdf, section, `${number(feature.total)}件`);
  for (const list of [feature.endpoints, feature.servers, feature.names]) {
    for (const { name, count } of list ?? []) {
      named(pdf, name);
      holds(pdf, section, number(count));
      if (/^[\w.-]{1,30}$/.test(name)) row(pdf, section, name, number(count));
    }
  }
  for (const { result, count } of feature.results ?? []) row(pdf, section, RESULTS[feature.feature][result], `${number(count)}件`);
  if (["virus", "spyware", "network_virus"].includes(feature.feature)) {
    const unlinked = (feature.names ?? []).filter(({ name }) => /^[\w.-]{1,100}$/.test(name) && !pdf.links.some((uri) => uri.endsWith(`/${name}`)));
    for (const { name } of unlinked) pdf.fault(`${name} has no link to the threat database`);
  }
}

function checkEDR(pdf, { edr }) {
  const [activity, , , , , , protection] = split(pdf, EDR_HEADINGS).map((_, i, all) => all.slice(i).join("\n"));
  holds(pdf, activity, `${number(edr.total)}件`);
  for (const { name, count } of [...edr.objects_top, ...edr.endpoints_top]) {
    named(pdf, name);
    if (/^[\w.-]{1,30}$/.test(name)) row(pdf, activity, name, number(count));
  }
  for (const { status, count } of edr.status) if (STATUS[status]) row(pdf, activity, STATUS[status], number(count));
  for (const o of edr.objects.slice(0, OBJECTS_MAX)) [o.name, o.endpoint, TYPES[o.type] ?? o.type, OBJECT_RESULTS[o.result] ?? o.result].forEach((name) => named(pdf, name));
  if (edr.objects.length > OBJECTS_MAX) holds(pdf, activity, number(edr.objects.length - OBJECTS_MAX));
  for (const list of [edr.offline.endpoints, edr.outdated.endpoints, ...Object.values(edr.off)]) {
    for (const name of list.slice(0, LIST_MAX)) named(pdf, name);
    if (list.length) holds(pdf, protection, `${number(list.length)}台`);
    if (list.length > LIST_MAX) holds(pdf, protection, pack(`ほか ${number(list.length - LIST_MAX)} 台`));
  }
  for (const { os, count } of edr.unsupported_os) { named(pdf, os); holds(pdf, protection, number(count)); }
  const none = pdf.text.split("本機能は提供しておりません").length - 1;
  if (none < 5) pdf.fault(`says 本機能は提供しておりません ${none} times, not in each of 4-1 to 4-5`);
}

// split cuts the text before each heading that stands alone in its line, in this order, past the table of contents, whose
// lines end in a page's number.
function split(pdf, headings) {
  const lines = pdf.text.split("\n");
  const starts = [];
  let from = 0;
  for (const heading of headings) {
    looked++;
    const at = lines.findIndex((line, i) => i >= from && plain(line) === plain(heading));
    if (at < 0) { pdf.fault(`heading "${heading}" is missing, or not in its place`); starts.push(from); continue; }
    starts.push(at);
    from = at + 1;
  }
  return starts.map((start, i) => lines.slice(start, starts[i + 1]).join("\n"));
}

// plain is a heading without its spaces, the marks of its footnotes and, of what is not provided, the sentence beside it.
function plain(line) { return line.replace(/※\d+|\s/g, "").replace(/(?<=.)本機能は提供しておりません$/, ""); }

function subheadings(pdf, section, major, parts) {
  const lines = section.split("\n").map(plain);
  let from = 0;
  for (const [i, part] of parts.entries()) {
    looked++;
    const at = lines.indexOf(plain(`${major}-${i + 1}${part}`), from);
    if (at < 0) pdf.fault(`heading "${major}-${i + 1} ${part}" is missing, or not in its place`);
    else from = at;
  }
}

// named: the name stands in the PDF in full, even if a reader sees its middle shortened. Poppler turns Arabic and Hebrew
// round, as it would for letters that stand on the page in the order in which they are seen.
function named(pdf, name) {
  looked++;
  const packed = pack(disarmed(name));
  const turned = packed.replace(/[\p{Script=Arabic}\p{Script=Hebrew}]+/gu, (run) => [...run].reverse().join(""));
  if (!pdf.packed.includes(packed) && !pdf.packed.includes(turned)) pdf.fault(`does not give back the name ${JSON.stringify(name.slice(0, 80))} (${[...name].length} characters)`);
}

// disarmed is an address as a report writes it.
function disarmed(name) {
  return name.replace(/\bhttp(s?):\/\/([^\/?#\s"'<>]*)/gi, (_, s, host) => `hxxp${s}://${host.replaceAll(".", "[.]")}`)
    .replace(/\b(javascript|mailto|file):/gi, "$1[:]").replace(/\bwww\d*\.[^\/?#\s"'<>]*/gi, (host) => host.replaceAll(".", "[.]"));
}

function holds(pdf, section, ...wanted) {
  const packed = pack(section).replace(/※\d+/g, "");
  for (const want of wanted) {
    looked++;
    const figure = new RegExp(`(?<![\\d,.])${want.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&")}${/\d$/.test(want) ? "(?![\\d,])" : ""}`);
    if (!figure.test(/\d$/.test(want) ? section : packed)) pdf.fault(`has no "${want}" under ${section.trim().split("\n")[0].trim()}`);
  }
}

// row: one line has all of these, in this order.
function row(pdf, section, ...cells) {
  looked++;
  const found = section.split("\n").some((line) => {
    let from = 0;
    return cells.every((cell) => { const at = plain(line).indexOf(plain(cell), from); from = at + plain(cell).length; return at >= 0; });
  });
  if (!found) pdf.fault(`has no line "${cells.join(" ")}" under ${section.trim().split("\n")[0].trim()}`);
}

function number(n) { return n.toLocaleString("en-US"); }
