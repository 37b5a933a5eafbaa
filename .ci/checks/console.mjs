// console OUT URL TOKENS: walks the console of a running daemon in headless Chromium, as each role, on a telephone and on a
// desk, with every action done once by its form. It fails on any finding of axe-core, on a page that must
// be scrolled sideways, on anything that is loaded from elsewhere or refused by the page's own policy, and on a script that
// came with the data. OUT gets a picture of each page. TOKENS is "operator,desk,viewer".
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [375, 1280];
const [out, base, tokens] = process.argv.slice(2);
const [operator, desk, viewer] = tokens.split(",");
const browser = await puppeteer.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars", "--force-color-profile=srgb"],
});
const faults = [];
let shown = 0, acted = 0;
try {
  await look();
  await act();
  await refuse();
} finally {
  await browser.close();
}
for (const fault of faults) console.error(fault);
console.log(`    ${shown} views, ${acted} actions, ${faults.length} faults; screenshots in ${out}`);
process.exitCode = faults.length ? 1 : 0;

async function open(token, width = 1280, scripts = true) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  await page.setExtraHTTPHeaders({ "Accept-Language": "ja" });
  await page.setViewport({ width, height: 900, deviceScaleFactor: 1, isMobile: width < 480 });
  await page.setJavaScriptEnabled(scripts);
  page.on("dialog", async (dialog) => { faults.push(`${page.url()}: a script of the data ran`); await dialog.dismiss(); });
  page.on("request", (r) => { if (!r.url().startsWith(base) && !r.url().startsWith("data:")) faults.push(`${page.url()} loads ${r.url()}`); });
  page.on("console", (m) => { if (m.type() === "error" && !/status of 4\d\d/.test(m.text())) faults.push(`${page.url()}: ${m.text()}`); });
  page.on("pageerror", (e) => faults.push(`${page.url()}: ${e.message}`));
  if (token) {
    await page.goto(`${base}/login`);
    await page.type("#password", token);
    await Promise.all([page.waitForNavigation(), page.click("form.form button")]);
    if (page.url().includes("/login")) faults.push("the login was refused");
  }
  return page;
}

async function look() {
  for (const width of WIDTHS) {
    const stranger = await open("", width);
    await stranger.goto(`${base}/login`);
    await check(stranger, "login", width);
    const page = await open(operator, width);
    const first = async (path, selector) => {
      await page.goto(base + path);
      return page.$eval(selector, (a) => a.getAttribute("href"));
    };
    const sent = await first("/deliveries?period=2026-10&state=sent", "tbody a");
    const paths = {
      overview: "/", search: "/search?q=C0000", nothing: "/search?q=nobody-has-this", deliveries: "/deliveries?period=2026-10&state=sent",
      contract: "/contracts/C000001", hostile: "/contracts/HOSTILE", delivery: sent, preview: "/contracts/C000001/preview?period=2026-10",
      followups: "/followups?all=1", imports: "/imports", stale: "/stale", log: "/log", act: `/act?action=resend&delivery=${sent.split("/").pop()}`,
      grave: "/act?action=pause", approve: "/act?action=approve&period=2026-10", missing: "/nothing",
    };
    for (const [name, path] of Object.entries(paths)) {
      await page.goto(base + path, { waitUntil: "networkidle0" });
      await check(page, name, width);
    }
    const pdf = await page.goto(`${base}${sent}`).then(() => page.$eval('.links a[href$=".pdf"]', (a) => a.href));
    const answer = await page.evaluate(async (url) => { const r = await fetch(url); return [r.status, r.headers.get("content-type")]; }, pdf);
    if (answer[0] !== 200 || answer[1] !== "application/pdf") faults.push(`${pdf}: ${answer}`);
  }
}

async function check(page, name, width) {
  const fault = (text) => faults.push(`${name} ${width} px: ${text}`);
  const { scroll, pictures, title } = await page.evaluate(() => ({
    scroll: document.documentElement.scrollWidth, title: document.title,
    pictures: [...document.images].filter((i) => !i.naturalWidth || !i.alt.trim()).map((i) => i.outerHTML.slice(0, 120)),
  }));
  if (scroll > width) fault(`is ${scroll} px wide`);
  if (!title || /\b[a-z]+\.[a-z-]+\b/.test(title)) fault(`its title is ${title}`);
  for (const picture of pictures) fault(`did not load, or has no alt text: ${picture}`);
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => axe.run(document, { resultTypes: ["violations"], iframes: false }));
  for (const { id, impact, help, nodes } of violations) {
    fault(`axe ${impact} ${id}: ${help}; ${nodes.length} places, first ${nodes[0].html.slice(0, 160)}`);
  }
  await page.screenshot({ path: join(out, `console-${name}-${width}.png`), fullPage: true });
  shown++;
}

// act does every action by its form, without scripts, and reads what the next page says.
async function act() {
  const page = await open(operator, 1280, false);
  const href = async (path, selector) => { await page.goto(base + path); return page.$eval(selector, (a) => a.getAttribute("href")); };
  const one = (await href("/contracts/C000002", "tbody a")).split("/").pop();
  const c = "contract=C000002";
  const done = async (query, fill = {}) => {
    await page.goto(`${base}/act?${query}&back=/log`);
    for (const [field, value] of Object.entries({ reason: "gate", ...fill })) await page.type(`#${field}`, value);
    await Promise.all([page.waitForNavigation(), page.click(".form button")]);
    const told = await page.$eval(".told", (p) => p.textContent).catch(() => "");
    if (!told) faults.push(`${query}: ${await page.$eval("main", (m) => m.innerText.slice(0, 300))}`);
    acted++;
  };
  await done("action=pause");
  await done(`action=resend&delivery=${one}`);
  const again = (await href("/contracts/C000002", "tbody a")).split("/").pop();
  await done(`action=cancel&delivery=${again}`);
  await done(`action=ack&delivery=${again}`);
  await done(`action=release&delivery=${again}`);
  await done(`action=rebuild&${c}&period=2026-10`);
  await done(`action=add&${c}`, { address: "neu@example.jp", name: "<b>新</b>" });
  await done(`action=stop&${c}&address=neu@example.jp`);
  await done(`action=start&${c}&address=neu@example.jp`);
  await done(`action=remove&${c}&address=neu@example.jp`);
  await done(`action=stop-contract&${c}`);
  await done(`action=start-contract&${c}`);
  await done("action=resume");
  await done(`action=test-send&${c}&period=2026-10`, { address: "me@example.jp" });
  await page.goto(`${base}/log`);
  const reasons = await page.$$eval("tbody tr", (rows) => rows.filter((r) => r.textContent.includes("gate")).length);
  if (reasons < acted - 1) faults.push(`${reasons} of ${acted} actions stand in the log with their reason`);
  await page.goto(`${base}/followups?all=1`);
  if (await page.$("form.row")) {
    await page.type("form.row input[name=note]", "電話済み");
    await page.click("form.row input[name=done]");
    await Promise.all([page.waitForNavigation(), page.click("form.row button")]);
    const kept = await page.$eval("form.row input[name=note]", (i) => i.value);
    if (!kept.includes("電話済み")) faults.push(`the note is ${kept}`);
    acted++;
  }
  await page.goto(`${base}/stale`);
  await Promise.all([page.waitForNavigation(), page.click("main form[method=post] button")]);
  acted++;
  await Promise.all([page.waitForNavigation(), page.click(".who button")]);
  await page.goto(`${base}/log`);
  if (!page.url().includes("/login")) faults.push("a session lived on after its logout");
}

// refuse tries what a role may not do.
async function refuse() {
  for (const [role, token, query, want] of [
    ["viewer", viewer, "action=resend&delivery=1", 403], ["viewer", viewer, "action=pause", 403], ["desk", desk, "action=pause", 403],
    ["desk", desk, "action=rebuild&delivery=1", 403], ["desk", desk, "action=resend&delivery=1", 200], ["viewer", viewer, "action=", 404],
  ]) {
    const page = await open(token);
    const answer = await page.goto(`${base}/act?${query}`);
    if (answer.status() !== want) faults.push(`${role}: ${query} answers ${answer.status()}, not ${want}`);
  }
}
