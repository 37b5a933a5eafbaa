// screen OUT DIR…: opens each DIR/body.html in headless Chromium as a phone and a desktop program show it, light and dark,
// lets axe-core read it, and keeps a screenshot of each in OUT. It fails on a serious or critical finding, on a page
// that must be scrolled sideways, on an image that did not load or has no alt text, and on anything that a script did.
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [375, 800];
const SCHEMES = ["light", "dark"];

const [out, ...dirs] = process.argv.slice(2);
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"],
});
const faults = [];
let shown = 0;
try {
  for (const dir of dirs) {
    const file = withPictures(dir);
    for (const width of WIDTHS) for (const scheme of SCHEMES) await show(dir, file, width, scheme);
  }
} finally {
  await browser.close();
}
for (const fault of faults) console.error(fault);
console.log(`    ${dirs.length} bodies, ${shown} views, ${faults.length} faults; screenshots in ${out}`);
process.exitCode = faults.length ? 1 : 0;

// withPictures writes the body as a mail program shows it: each cid: is the picture of that name.
function withPictures(dir) {
  const html = readFileSync(join(dir, "body.html"), "utf8");
  const file = join(dir, "shown.html");
  writeFileSync(file, html.replace(/src="cid:([a-z_-]+)\.[^"]*"/g, 'src="$1.png"'));
  return file;
}

async function show(dir, file, width, scheme) {
  const view = `${basename(dir)} ${width} px ${scheme}`;
  const fault = (text) => faults.push(`${view}: ${text}`);
  const page = await browser.newPage();
  page.on("dialog", async (dialog) => { fault("a script of the data ran"); await dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith("file:")) fault(`loads ${request.url()}`); });
  await page.setViewport({ width, height: 900, deviceScaleFactor: 1, isMobile: width < 480 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.goto(pathToFileURL(resolve(file)).href, { waitUntil: "load" });

  const { scroll, pictures, scripts } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth,
    pictures: [...document.images].filter((i) => !i.naturalWidth || !i.alt.trim()).map((i) => i.outerHTML.slice(0, 120)),
    scripts: document.querySelectorAll("script, [onerror], [onload], iframe, svg, form").length,
  }));
  if (scroll > width) fault(`is ${scroll} px wide`);
  for (const picture of pictures) fault(`did not load, or has no alt text: ${picture}`);
  if (scripts) fault(`${scripts} active elements, none of which the templates have`);

  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"] }));
  for (const { id, impact, help, nodes } of violations) {
    if (impact !== "serious" && impact !== "critical") continue;
    fault(`axe ${impact} ${id}: ${help}; ${nodes.length} places, first ${nodes[0].html.slice(0, 160)}`);
    for (const { message } of nodes[0].any.slice(0, 1)) faults.push(`    ${message}`);
  }
  await page.screenshot({ path: join(out, `${basename(dir)}-${width}-${scheme}.png`), fullPage: true });
  await page.close();
  shown++;
}
