// Deploys or destroys one environment of an assembly that `make synth` wrote. It needs Node and the CDK CLI: no Python
// and no sources, so that what was synthesized once is what every environment gets.
//
//   node deploy.mjs deploy|destroy ENVIRONMENT ASSEMBLY [--stack NAME] [--commit HASH] [--any-account]
//       [--rollback] [-- CDK OPTIONS]
//
// With each deployment the CLI also uploads the assembly itself, into the bucket of `cdk bootstrap`. That records the
// commit, changes no resource, and is what `make rollback` deploys again: endpointctl/deployments.py reads it.

import { spawn } from "node:child_process";
import { createHash, randomInt } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";

const CLI = join(dirname(fileURLToPath(import.meta.url)), "node_modules", "aws-cdk");
const USAGE = "usage: node deploy.mjs deploy|destroy ENVIRONMENT ASSEMBLY [--stack NAME] [--commit HASH] [--any-account] [-- CDK OPTIONS]";

class Refused extends Error {}

/** Return a JSON file's content. */
function json(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw error instanceof SyntaxError ? new Refused(`${path} is not JSON (cut off?): synthesize again`) : error;
  }
}

/** Return the command line's parts. */
function parsed() {
  const end = process.argv.indexOf("--");
  const text = { type: "string" };
  const flag = { type: "boolean" };
  const options = { stack: text, commit: text, rollback: flag, "any-account": flag };
  try {
    const { values, positionals } = parseArgs({
      args: process.argv.slice(2, end < 0 ? undefined : end),
      options,
      allowPositionals: true,
    });
    const [verb, environment, assembly] = positionals;
    if (!["deploy", "destroy"].includes(verb) || positionals.length !== 3) throw new Refused(USAGE);
    return { verb, environment, assembly: resolve(assembly), ...values, rest: end < 0 ? [] : process.argv.slice(end + 1) };
  } catch (error) {
    throw new Refused(error instanceof Refused ? error.message : `${error.message.split("\n")[0]}; ${USAGE}`);
  }
}

/** Refuse what would give a stack other parameters: whether a sleeping endpoint exists is one of them. */
function checkOptions(options) {
  const wrong = options.find((one) => /^--((no-?)?previous-?)?parameters$/i.test(one.split("=")[0]));
  // The CLI takes each of its options from the environment, too.
  const variable = ["CDK_PREVIOUS_PARAMETERS", "CDK_PARAMETERS"].find((name) => name in process.env);
  const given = wrong ? `ARGS=${wrong}` : variable;
  if (given) {
    throw new Refused(`${given} would give the stacks other parameters than they have, and wake an endpoint or put it to sleep; allowed: no such option; \`endpointctl wake\` and \`endpointctl sleep\` do that`);
  }
}

/** Return what `make synth` wrote about the assembly: project, commit, version of the CDK CLI, and a hash of the files. */
function release(assembly) {
  const path = join(assembly, "release.json");
  const written = existsSync(join(assembly, "manifest.json")) && existsSync(path) ? json(path) : null;
  const texts = [written?.project, written?.commit, written?.cli, written?.files];
  if (!texts.every((one) => typeof one === "string")) {
    throw new Refused(`ASSEMBLY=${assembly} is not an assembly that \`make synth\` wrote: run \`make synth\`, and give its folder cdk.out`);
  }
  return written;
}

/** Yield the paths of the files that `make synth` made: no hidden ones, and nothing that the CLI leaves beside them. */
function* filesOf(folder, below = "") {
  for (const name of readdirSync(join(folder, below))) {
    const path = `${below}${name}`;
    if (name.startsWith(".") || (!below && (name === "release.json" || name.endsWith(".lock")))) continue;
    if (statSync(join(folder, path)).isDirectory()) yield* filesOf(folder, `${path}/`);
    else yield path;
  }
}

/** Copy the files to each folder, and refuse them unless they are what `make synth` made: stacks/release.py hashes them. */
function copy(assembly, hash, folders) {
  const found = createHash("sha256");
  for (const path of [...filesOf(assembly)].sort()) {
    const content = readFileSync(join(assembly, path));
    found.update(`${createHash("sha256").update(content).digest("hex")}  ${path}\n`);
    for (const folder of folders) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
      chmodSync(join(folder, path), statSync(join(assembly, path)).mode | 0o600); // Lambda keeps the mode of its files
    }
  }
  if (found.digest("hex") !== hash) {
    throw new Refused(`ASSEMBLY=${assembly} was changed, cut off, or written over since \`make synth\` (by \`make diff\`, or by another one at this moment): run \`make synth\` again`);
  }
}

/** Refuse an assembly that a newer CDK CLI wrote. An older one is deployed: a rollback needs that. */
function checkVersion(written) {
  const found = existsSync(CLI) ? json(join(CLI, "package.json")).version : null;
  if (!found) throw new Refused("the CDK CLI is not installed: run `npm ci` in the checkout, or `make install`");
  const newer = written.localeCompare(found, "en", { numeric: true }) > 0;
  if (newer) {
    throw new Refused(`the assembly was written with the CDK CLI ${written}, and this is ${found}: install the version in the commit's package-lock.json with \`npm ci\``);
  }
}

/** Refuse an assembly that its branch has left behind: the newer commit's own assembly is deployed. */
function checkCommit(written, tip) {
  if (tip !== undefined && tip !== written) {
    throw new Refused(`the assembly is of commit ${written}, and the branch is at ${tip || "no commit"}: it is not deployed; deploy what \`make synth\` writes at ${tip || "the branch"}`);
  }
}

/** Refuse an environment that the assembly does not have, or that leaves its account open. */
function checkEnvironment(assembly, environment, anyAccount) {
  const names = readdirSync(assembly).filter((name) => name.startsWith("assembly-")).map((name) => name.slice(9));
  if (!names.includes(environment)) {
    throw new Refused(`ENV=${environment} is not in the assembly; allowed: ${names.join(", ") || "none"}; or synthesize again with its file`);
  }
  const artifacts = Object.values(json(join(assembly, `assembly-${environment}`, "manifest.json")).artifacts).filter((one) => one.type === "aws:cloudformation:stack");
  if (!anyAccount && artifacts.some((one) => one.environment.startsWith("aws://unknown-account"))) {
    throw new Refused(`ENV=${environment} names no account and would be deployed wherever the credentials point: set \`account\` in environments/${environment}.yaml, and synthesize again`);
  }
}

/** Add one more asset to each stack of an environment, with the destination of the assets that are there. */
function addAsset(assembly, environment, name, source, objectKey) {
  const folder = join(assembly, `assembly-${environment}`);
  for (const file of readdirSync(folder).filter((one) => one.endsWith(".assets.json"))) {
    const manifest = json(join(folder, file));
    const [place, destination] = Object.entries(Object.values(manifest.files)[0].destinations)[0];
    manifest.files[name] = { displayName: name, source, destinations: { [place]: { ...destination, objectKey } } };
    writeFileSync(join(folder, file), JSON.stringify(manifest, null, 2));
  }
}

let child = null;
let signalled = null;

/** Hand signals on to the CDK CLI, and remember them: what has to be removed is removed. */
function catchSignals() {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      signalled = signal;
      child?.kill(signal);
    });
  }
}

/** Run the CDK CLI and return its exit code. What CloudFormation began goes on when a signal ends the CLI. */
async function run(options, stdio = "inherit") {
  await setImmediate(); // a signal that came while files were copied
  if (signalled) return 128 + constants.signals[signalled];
  return new Promise((done, failed) => {
    child = spawn(process.execPath, [join(CLI, "bin", "cdk"), ...options], { stdio });
    child.on("error", failed);
    child.on("exit", (code, signal) => {
      signalled ??= signal; // e.g. SIGKILL, when memory is short
      done(code ?? 128 + constants.signals[signal]);
    });
  });
}

/** Deploy a copy of the assembly in which the assembly itself is an asset; say so when the deployment failed. */
async function deploy(assembly, environment, written, kind, options) {
  // Six more digits after the milliseconds: two deployments that begin at once have two records.
  const now = new Date().toISOString().replace(/[-:.Z]/g, "");
  const time = `${now}${String(randomInt(1e6)).padStart(6, "0")}Z`;
  const key = `${written.project}/deployments/${environment}/${time}-${written.commit}`;
  const folder = mkdtempSync(join(tmpdir(), "assembly-"));
  const [deployed, kept] = [join(folder, "deployed"), join(folder, "recorded")];
  try {
    // Both at once: somebody may synthesize into the assembly's folder while CloudFormation takes its time.
    copy(assembly, written.files, [deployed, kept]);
    writeFileSync(join(kept, "release.json"), JSON.stringify(written, null, 2));
    addAsset(deployed, environment, `the assembly of commit ${written.commit}`, { path: kept, packaging: "zip" }, `${key}-${kind}.zip`);
    const code = await run(["deploy", "--app", deployed, ...options]);
    if (code && !signalled) {
      const marker = { path: join(kept, "release.json"), packaging: "file" };
      addAsset(deployed, environment, "a mark that it failed", marker, `${key}-failed.json`);
      if (await run(["publish-assets", "--unstable=publish-assets", "--app", deployed, `${environment}/*`], "ignore")) {
        process.stderr.write("that it failed could not be recorded: if the credentials have expired, sign in or run the job again; `make rollback` needs COMMIT until the next deployment\n");
      }
    }
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { verb, environment, assembly, stack, rest, rollback, ...given } = parsed();
  checkOptions(rest);
  const written = release(assembly);
  checkVersion(written.cli);
  checkCommit(written.commit, given.commit);
  copy(assembly, written.files, []);
  checkEnvironment(assembly, environment, given["any-account"]);
  const one = stack ? ["--exclusively"] : [];
  const options = [`${environment}/${stack || "*"}`, ...one, "--concurrency", "2", ...rest];
  if (verb === "destroy") return run(["destroy", "--app", assembly, ...options]);
  if (rollback && written.recorded?.environment !== environment) {
    throw new Refused(`ASSEMBLY=${assembly} is not a recorded one of ${environment}: \`make rollback\` gets it first`);
  }
  return deploy(assembly, environment, written, rollback ? `rollback-${written.recorded.time}` : "deploy", options);
}

try {
  catchSignals();
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof Refused) && !error.syscall) throw error; // of the system, e.g. a disk that is full: one line
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
