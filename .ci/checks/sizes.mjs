// sizes PREVIEW: fails where a contract's HTML is over 80 KB (Gmail clips long mails) or its whole message over 700 KB
// (the largest have two PDFs of eleven pages).
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

const LIMITS = { "body.html": 80_000, "message.eml": 700_000 };

const [preview] = process.argv.slice(2);
const contracts = readdirSync(preview);
let faults = 0;
for (const [name, limit] of Object.entries(LIMITS)) {
  const sizes = contracts.map((id) => ({ id, bytes: statSync(join(preview, id, name)).size })).sort((a, b) => b.bytes - a.bytes);
  const over = sizes.filter(({ bytes }) => bytes > limit);
  for (const { id, bytes } of over) console.error(`${id}/${name} has ${bytes} bytes, at most ${limit}`);
  faults += over.length;
  console.log(`    ${name}: the largest of ${sizes.length} has ${sizes[0].bytes} bytes (${sizes[0].id}), the median ${sizes[sizes.length >> 1].bytes}`);
}
process.exitCode = faults ? 1 : 0;
