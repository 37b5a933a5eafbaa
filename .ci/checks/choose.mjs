// choose SAMPLE.jsonl PERIOD: picks out of the sample data one contract of each kind that a reader may be, and prints
// "KIND ID" lines. It counts for itself, from the rows, so that what is checked does not depend on what is tested.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";

const [file, period] = process.argv.slice(2);
const contracts = new Map();

for await (const line of createInterface({ input: createReadStream(file) })) {
  const row = JSON.parse(line);
  if (row.type === "contract") {
    contracts.set(row.id, { ...row, endpoints: 0, total: 0, features: new Set(), problems: new Set() });
    continue;
  }
  const contract = contracts.get(row.contract);
  if (row.type === "endpoint") contract.endpoints++;
  if (row.type === "agent_status") seeProblems(contract.problems, row);
  if (row.type === "detection" && row.time.startsWith(period)) {
    contract.total += row.count ?? 1;
    contract.features.add(row.feature);
  }
}

function seeProblems(problems, status) {
  if (!status.pattern_current) problems.add("outdated");
  if (!status.os_supported) problems.add("os");
  for (const [name, state] of Object.entries(status.protections)) if (state === "off") problems.add(name);
}

const active = (c) => c.since < period && !c.ends;
const kinds = {
  quiet: { of: (c) => c.total === 0 && c.endpoints > 1 && !c.edr, most: (c) => c.endpoints },
  average: { of: (c) => c.total >= 10 && c.total <= 60 && c.endpoints <= 30, most: (c) => c.features.size },
  heavy: { of: (c) => c.total >= 5000 && c.total <= 20000, most: (c) => c.total },
  problems: { of: (c) => c.product === "antivirus" && c.edr && c.total >= 20 && c.total < 1000, most: (c) => c.problems.size },
  one: { of: (c) => c.endpoints === 1 && c.total > 0, most: (c) => c.total },
  security: { of: (c) => c.product === "security_package" && c.edr && c.total > 0, most: (c) => c.total },
};

for (const [kind, { of, most }] of Object.entries(kinds)) {
  const fitting = [...contracts.values()].filter((c) => active(c) && of(c));
  if (!fitting.length) throw new Error(`no contract in ${file} is of the kind "${kind}"; make more sample data`);
  const chosen = fitting.reduce((a, b) => (most(b) > most(a) ? b : a));
  console.log(kind, chosen.id);
}
