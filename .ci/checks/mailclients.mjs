// mailclients HTML…: fails where a body uses HTML or CSS that a mail program lacks or has in part, by the data of caniemail.com,
// unless .ci/mailclients.json says why that does no harm. It names the entries there that nothing needs any more.
import { readFileSync } from "node:fs";
import { caniemail, rawData } from "caniemail";

const { clients, unsupported, partial } = JSON.parse(readFileSync(new URL("../mailclients.json", import.meta.url)));

// The package lists no Outlook.com, though its data do; the discontinued Windows Mail gives its place.
const OUTLOOK_COM = "outlook.outlook-com";
const WINDOWS_MAIL = "outlook.windows-mail";
for (const { stats } of rawData.data) {
  if (stats.outlook) stats.outlook["windows-mail"] = stats.outlook["outlook-com"];
}

const needed = new Set();
const faults = new Map();
for (const file of process.argv.slice(2)) {
  const html = readFileSync(file, "utf8");
  note(file, { html });
  // The package does not look into @media blocks.
  for (const css of mediaBlocks(html)) note(file, { css });
}

function note(file, source) {
  const { issues } = caniemail({ clients: clients.map((c) => (c === OUTLOOK_COM ? WINDOWS_MAIL : c)), ...source });
  for (const [support, found] of [["none", issues.errors], ["partial", issues.warnings]]) {
    for (const [client, list] of found) {
      for (const issue of [list].flat()) judge(file, support, client === WINDOWS_MAIL ? OUTLOOK_COM : client, issue);
    }
  }
}

function judge(file, support, client, { title, notes, position }) {
  const entry = support === "partial"
    ? partial[title] && title
    : unsupported.find((u) => u.feature === title && u.clients.includes(client));
  if (entry) return needed.add(entry);
  const key = `${title}: ${support === "none" ? "not supported" : "partly supported"} by ${client}`;
  if (!faults.has(key)) faults.set(key, `${file}:${position?.start.line ?? "style"} ${notes.join(" / ")}`);
}

function mediaBlocks(html) {
  return [...html.matchAll(/@media[^{]*\{((?:[^{}]*\{[^{}]*\})*)\s*\}/g)].map(([, rules]) => rules);
}

for (const entry of [...unsupported, ...Object.keys(partial)]) {
  if (!needed.has(entry)) console.log(`    no longer used: ${entry.feature ?? entry}`);
}
for (const [fault, where] of faults) console.error(`${fault}\n    first at ${where}`);
console.log(`    ${process.argv.length - 2} bodies, ${clients.length} mail programs, data of ${rawData.last_update_date.slice(0, 10)}`);
process.exitCode = faults.size ? 1 : 0;
