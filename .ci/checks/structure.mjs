// structure DIR…: what a program can decide of PDF/UA-1 (the Matterhorn protocol's machine conditions, and a few of its
// human ones that our own files make decidable), over the PDFs in DIR, read by qpdf: all content is tagged or an artifact,
// tree and pages agree, headings descend without gaps, tables have the cells they promise, figures and links speak, fonts are
// embedded and mapped to Unicode, and the document says its language and title.
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";

const INLINE = new Set(["Span", "Link", "Reference", "Note"]);
const CHILDREN = { // what may stand in what; an element that is not named takes anything but these
  Table: ["TR", "THead", "TBody", "TFoot", "Caption"], THead: ["TR"], TBody: ["TR"], TR: ["TH", "TD"],
  L: ["LI", "Caption"], LI: ["Lbl", "LBody"], TOC: ["TOCI", "TOC", "Caption"],
};
const ONLY_IN = { TR: ["Table", "THead", "TBody", "TFoot"], TH: ["TR"], TD: ["TR"], LI: ["L"], LBody: ["LI"], Lbl: ["LI"], TOCI: ["TOC"] };

const faults = [];
let pdfs = 0, elements = 0, pieces = 0;
for (const dir of process.argv.slice(2)) {
  for (const name of readdirSync(dir).filter((n) => n.endsWith(".pdf"))) {
    pdfs++;
    check(join(dir, name));
  }
}
for (const fault of faults.slice(0, 40)) console.error(fault);
console.log(`    ${pdfs} PDFs, ${elements} elements, ${pieces} pieces of content, ${faults.length} faults`);
process.exitCode = faults.length || !pieces ? 1 : 0;

function check(file) {
  const raw = execFileSync("qpdf", ["--json=2", "--json-key=qpdf", "--json-stream-data=inline", "--decode-level=generalized", file], { maxBuffer: 1 << 29, encoding: "utf8" });
  const objects = JSON.parse(raw).qpdf[1];
  const fault = (what) => faults.push(`${basename(file)}: ${what}`);
  const get = (v) => {
    if (typeof v === "string" && /^\d+ 0 R$/.test(v)) {
      const o = objects[`obj:${v}`];
      return o?.stream ? o.stream.dict : o?.value;
    }
    return v;
  };
  const data = (ref) => Buffer.from(objects[`obj:${ref}`].stream.data, "base64").toString("latin1");
  const [, catalog] = Object.entries(objects).map(([k, o]) => [k, o.value]).find(([, v]) => v?.["/Type"] === "/Catalog");

  if (get(catalog["/MarkInfo"])?.["/Marked"] !== true) fault("is not marked (06-001)");
  if (!/^u:[a-z]{2}/.test(catalog["/Lang"] ?? "")) fault("has no language (11-006)");
  if (get(catalog["/ViewerPreferences"])?.["/DisplayDocTitle"] !== true) fault("shows its file name as title (07-002)");
  const meta = Buffer.from(data(catalog["/Metadata"]), "latin1").toString("utf8");
  if (!meta.includes("<pdfuaid:part>1</pdfuaid:part>")) fault("does not say that it is PDF/UA-1 (05-001)");
  if (!/<dc:title>.*<rdf:li[^>]*>[^<]+</s.test(meta)) fault("has no title in its metadata (06-003)");
  if (/geppo/i.test(meta)) fault("names its maker");

  const tree = get(catalog["/StructTreeRoot"]);
  const parents = new Map();
  for (let i = 0, nums = get(tree["/ParentTree"])["/Nums"]; i < nums.length; i += 2) parents.set(nums[i], get(nums[i + 1]) ?? nums[i + 1]);
  const raws = new Map();
  for (let i = 0, nums = get(tree["/ParentTree"])["/Nums"]; i < nums.length; i += 2) raws.set(nums[i], nums[i + 1]);

  // The pages: every operator that draws stands in a marked-content sequence; each MCID is used once.
  const pages = new Map();
  for (const [key, o] of Object.entries(objects)) {
    const page = o.value;
    if (page?.["/Type"] !== "/Page") continue;
    const ref = key.slice(4);
    if (page["/Tabs"] !== "/S") fault(`page ${ref} does not follow the structure (28-008)`);
    const marks = content(data(page["/Contents"]), (what) => fault(`page ${ref}: ${what}`));
    pieces += marks.size;
    const known = parents.get(page["/StructParents"]) ?? [];
    if (known.length !== marks.size) fault(`page ${ref} has ${marks.size} pieces, its parent tree ${known.length}`);
    pages.set(ref, { known, claimed: new Set() });
    for (const annot of (get(page["/Annots"]) ?? []).map(get)) {
      if (annot["/Subtype"] !== "/Link") continue;
      if (!annot["/Contents"]) fault(`page ${ref}: a link says nothing (28-012)`);
      const element = get(raws.get(annot["/StructParent"]));
      if (element?.["/S"] !== "/Link") fault(`page ${ref}: a link is in no Link element (28-011)`);
    }
    const fonts = get(get(page["/Resources"])["/Font"]) ?? {};
    for (const font of Object.values(fonts).map(get)) {
      const descendant = get(get(font["/DescendantFonts"])[0]);
      if (!font["/ToUnicode"]) fault("a font has no map to Unicode (10-001)");
      if (!get(descendant["/FontDescriptor"])["/FontFile2"]) fault("a font is not embedded (31-009)");
      if (!descendant["/CIDToGIDMap"]) fault("a font has no CIDToGIDMap (31-004)");
    }
  }

  // The tree.
  let heading = 0;
  const ids = new Set();
  const walk = (ref, parent, inside) => {
    const e = get(ref);
    elements++;
    const kind = e["/S"].slice(1);
    if (get(e["/P"]) !== parent) fault(`${kind} ${ref} does not know its parent`);
    const list = CHILDREN[inside];
    if (list && !list.includes(kind)) fault(`${kind} stands in ${inside} (09-004)`);
    if (ONLY_IN[kind] && !ONLY_IN[kind].includes(inside)) fault(`${kind} stands in ${inside} (09-004)`);
    const level = /^H([1-6])$/.exec(kind);
    if (level) {
      if (Number(level[1]) > heading + 1) fault(`${kind} follows H${heading} (14-003)`);
      heading = Number(level[1]);
    }
    const attributes = get(e["/A"]) ?? {};
    if (kind === "Figure" && !(e["/Alt"]?.length > 2)) fault(`figure ${ref} has no alternative text (13-004)`);
    if (kind === "Figure" && !attributes["/BBox"]) fault(`figure ${ref} has no box`);
    if (kind === "TH" && !attributes["/Scope"]) fault(`header cell ${ref} has no scope (15-003)`);
    if (kind === "Note") {
      if (!e["/ID"] || ids.has(e["/ID"])) fault(`note ${ref} has no ID of its own (19-003)`);
      ids.add(e["/ID"]);
    }
    const kids = (Array.isArray(e["/K"]) ? e["/K"] : [e["/K"]]).filter((k) => k !== undefined);
    if (kids.length === 0 && !["TD", "TH"].includes(kind)) fault(`${kind} ${ref} is empty`);
    const claim = (page, id) => {
      const p = pages.get(page?.replace(/^obj:/, ""));
      if (!p || p.known[id] !== ref) fault(`${kind} ${ref} claims piece ${id}, which is another's`);
      else if (p.claimed.has(id)) fault(`piece ${id} is claimed twice`);
      else p.claimed.add(id);
    };
    for (const k of kids) {
      if (typeof k === "number") claim(e["/Pg"], k);
      else if (k?.["/Type"] === "/MCR") claim(k["/Pg"], k["/MCID"]);
      else if (typeof k === "string") {
        const child = get(k)["/S"].slice(1);
        if (INLINE.has(kind) && /^(P|H\d|Table|L|Figure)$/.test(child)) fault(`${child} stands in ${kind}`);
        walk(k, e, kind);
      }
    }
    if (kind === "Table") {
      const rows = kids.map(get).filter((r) => r["/S"] === "/TR").map((r) => [r["/K"]].flat().map(get).reduce((n, c) => n + (get(c["/A"])?.["/ColSpan"] ?? 1), 0));
      if (new Set(rows).size > 1) fault(`table ${ref} has rows of ${[...new Set(rows)]} cells (15-003)`);
    }
  };
  walk([tree["/K"]].flat()[0], tree, "");
  for (const [ref, p] of pages) if (p.claimed.size !== p.known.length) fault(`page ${ref}: ${p.known.length - p.claimed.size} pieces are in no element`);
}

// content reads a page's operators: the marked pieces by MCID; whatever draws outside of one is a fault.
function content(stream, fault) {
  const marks = new Set();
  const depth = [];
  const tokens = /\((?:\\[\s\S]|[^\\()])*\)|<<|>>|<[0-9A-Fa-f]*>|\[|\]|\/[^\s/<>[\]()]+|[^\s/<>[\]()]+/g;
  let id = null;
  for (const [token] of stream.matchAll(tokens)) {
    if (/^\d+$/.test(token)) id = Number(token);
    else if (token === "BDC" || token === "BMC") {
      const isMark = depth.length === 0 && token === "BDC";
      if (isMark) {
        if (marks.has(id)) fault(`piece ${id} stands twice`);
        marks.add(id);
      }
      depth.push(token);
    } else if (token === "EMC") {
      if (!depth.pop()) fault("EMC without a beginning");
    } else if (/^(Tj|TJ|f|S|B|Do|sh)$/.test(token) && depth.length === 0) fault(`${token} outside of content and artifact (01-003)`);
    if (token.startsWith("(") && /^\(\x00\x00/.test(token)) fault("a character that its font lacks is drawn (31-030)");
  }
  if (depth.length) fault("a sequence is not closed");
  return marks;
}
