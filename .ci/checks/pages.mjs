// pages DIR…: how the PDFs in DIR use their paper, as poppler draws them. Of every page but a document's last at least
// 60 % is used, which is to say that no white band on it is higher than the rest; the last is at least 20 % full; a section's total
// stands on the page of what follows it, and the chart of results on that of its table. It prints how full the pages are.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";

const RESOLUTION = 24; // dots an inch: a line of text is three of them high
const BODY = [54, 790]; // points from the top: between the head's rule and the foot's
const MOST_BAND = 0.4; // and a little more where a last page would else be nearly empty
const MOST_END = 0.8;
const MOST_PAGES = { quiet: 2, all: 7 }; // of an antivirus report without detections and asks, and of one with some in every feature
const BOUND_TO = { detections: 1000, endpoints: 60, asks: 7 }; // a larger contract may take more

const faults = [];
const spread = Array(10).fill(0); // pages but the last ones by their highest white band, in tenths of a page
const counts = new Map(); // documents by kind and number of pages
let pdfs = 0, pages = 0, parted = 0, apart = 0, ends = 0;
const dirs = process.argv.slice(2).flatMap((dir) => (readdirSync(dir).includes("report.json") ? [dir] : readdirSync(dir).map((name) => join(dir, name))));
for (const dir of dirs) {
  const report = JSON.parse(readFileSync(join(dir, "report.json"), "utf8"));
  for (const name of readdirSync(dir).filter((n) => n.endsWith(".pdf"))) check(join(dir, name), report);
}
for (const fault of faults.slice(0, 40)) console.error(fault);
console.log(`    ${pdfs} PDFs, ${pages} pages; ${parted} totals parted from what follows, ${apart} charts from their tables, ${ends} last pages nearly empty`);
console.log(`    pages but the last by their highest white band: ${spread.map((n, i) => `${i * 10}-${i * 10 + 9} % ${n}`).filter((s) => !s.endsWith(" 0")).join(", ")}`);
for (const [kind, by] of [...counts].sort()) console.log(`    ${kind}: ${[...by].sort((a, b) => a[0] - b[0]).map(([n, of]) => `${of} of ${n} pages`).join(", ")}`);
process.exitCode = faults.length || !pages ? 1 : 0;

function check(file, report) {
  pdfs++;
  const fault = (what) => faults.push(`${basename(file)}: ${what}`);
  const bands = draw(file);
  pages += bands.length;
  for (const [i, { highest, last }] of bands.entries()) {
    if (i < bands.length - 1) {
      spread[Math.min(9, Math.floor(highest * 10))]++;
      if (highest > MOST_BAND + (i === bands.length - 2 ? 0.05 : 0)) fault(`page ${i + 1} has a white band of ${Math.round(highest * 100)} %`);
    } else if (i > 0 && last > MOST_END) {
      ends++;
      fault(`ends on a page that is ${Math.round(last * 100)} % empty`);
    }
  }
  const texts = execFileSync("pdftotext", ["-layout", file, "-"], { encoding: "utf8", maxBuffer: 1 << 28 }).split("\f").map((t) => t.replace(/[ \t]/g, ""));
  for (const [i, text] of texts.entries()) {
    for (const [, n] of text.matchAll(/(\d)-1検出総数/g)) if (!text.includes(`${n}-2`) && !(n === "6" && !report.overview.url_filtering)) { parted++; fault(`page ${i + 1} ends behind ${n}-1`); }
    for (const [, n] of text.matchAll(/(\d)-5処理の結果/g)) if (!text.slice(text.indexOf(`${n}-5処理の結果`)).includes("その他")) { apart++; fault(`page ${i + 1} parts ${n}-5`); }
  }
  const antivirus = report.antivirus.filter((f) => f.total > 0).length;
  const kind = file.includes("-edr_") ? `EDR ${report.edr.total ? "with" : "without"} events` : `antivirus with ${antivirus} features`;
  if (!counts.has(kind)) counts.set(kind, new Map());
  counts.get(kind).set(bands.length, (counts.get(kind).get(bands.length) ?? 0) + 1);
  const most = file.includes("-edr_") ? Infinity : antivirus + report.funnel.asks === 0 ? MOST_PAGES.quiet : MOST_PAGES.all;
  if (report.funnel.detected + report.funnel.restricted <= BOUND_TO.detections && report.protection.installed <= BOUND_TO.endpoints && report.funnel.asks <= BOUND_TO.asks && bands.length > most) fault(`${bands.length} pages, at most ${most}`);
}

// draw gives for each page its highest white band and the one at its end, as parts of the body.
function draw(file) {
  const dir = mkdtempSync(join(tmpdir(), "pages-"));
  try {
    execFileSync("pdftoppm", ["-gray", "-r", `${RESOLUTION}`, file, join(dir, "p")]);
    return readdirSync(dir).sort().map((name) => {
      const bytes = readFileSync(join(dir, name));
      const [, head, width] = /^(P5\s+(\d+)\s+\d+\s+255\s)/.exec(bytes.subarray(0, 40).toString("latin1"));
      const [from, to] = BODY.map((y) => Math.round((y * RESOLUTION) / 72));
      let band = 0, highest = 0;
      for (let y = from; y < to; y++) {
        const row = bytes.subarray(head.length + y * width, head.length + (y + 1) * width);
        band = row.some((v) => v < 250) ? 0 : band + 1;
        highest = Math.max(highest, band);
      }
      return { highest: highest / (to - from), last: band / (to - from) };
    });
  } finally {
    rmSync(dir, { recursive: true });
  }
}
