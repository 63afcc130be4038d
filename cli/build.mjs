// Bundles the command and the engine into dist/, and writes the command's verbs to dist/verbs.json.
// Files appear by atomic rename, entry points after what they import and the stamp last, so that a
// `pyline` that starts or runs meanwhile finds a whole program: the old one or the new one.
import { mkdir, readdir, readFile, rename, rm, utimes, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { fileURLToPath } from "node:url"
import * as esbuild from "esbuild"
import { introspectOnce } from "./build/introspect.mjs"
import { withLock } from "./build/lock.mjs"
import { slim, sourceUrl } from "./build/slim.mjs"

const root = fileURLToPath(new URL("../", import.meta.url))
const dist = join(root, "dist")
/** Chunks of earlier builds stay for a day: a command or an engine that is running may still load them. */
const KEEP_OLD_MS = 24 * 60 * 60_000

async function build() {
  // Sources edited from here on are younger than the stamp.
  const started = new Date()
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8"))

  const common = {
    bundle: true,
    platform: "node",
    target: "node20",
    write: false,
    absWorkingDir: root,
    logLevel: "warning",
    legalComments: "none",
    // Not the files': that of the module sends the SDK's name to the copy which Dagger generates beside it.
    tsconfigRaw: { compilerOptions: { experimentalDecorators: true, target: "ES2022" } },
  }
  const program = (entry, out) =>
    esbuild.build({
      ...common,
      entryPoints: [{ in: entry, out }],
      outdir: dist,
      outExtension: { ".js": ".mjs" },
      format: "esm",
      splitting: true,
      // `graphql` says so itself, in the files its "module" field names: only its parser is needed.
      mainFields: ["module", "main"],
      minifySyntax: true,
      minifyWhitespace: true,
      define: { PYLINE_VERSION: JSON.stringify(version) },
      plugins: [slim, sourceUrl],
      // CommonJS packages in an ESM bundle still `require` Node's own modules.
      banner: {
        js: 'import{createRequire as $createRequire}from"node:module";const require=$createRequire(import.meta.url);',
      },
    })
  const [verbs, ...bundles] = await Promise.all([
    introspectOnce(join(root, "ci"), dist),
    // Not in one: what both use would then be in a chunk with everything that either uses of it.
    program("cli/entry.ts", "pyline"),
    program("engine/main.ts", "engine"),
    esbuild.build({
      ...common,
      entryPoints: [{ in: "@dagger.io/dagger/dist/src/telemetry/init.js", out: "telemetry" }],
      alias: { "@dagger.io/dagger": join(root, "node_modules/@dagger.io/dagger") },
      outdir: dist,
      outExtension: { ".js": ".cjs" },
      format: "cjs",
      packages: "external",
    }),
  ])

  const files = new Map([["verbs.json", `${JSON.stringify(verbs, undefined, 1)}\n`]])
  for (const { path, contents } of bundles.flatMap(({ outputFiles }) => outputFiles))
    files.set(basename(path), contents)
  // The entry points last, the command after the engine that it starts.
  const order = [...files.keys()].sort((a, b) => rank(a) - rank(b))
  for (const name of order) await put(name, files.get(name))
  await sweep(files)
  await put(".stamp", "", started)
}

const rank = (name) => ["engine.mjs", "pyline.mjs"].indexOf(name)

async function put(name, contents, time) {
  const temporary = join(dist, `.${name}.${process.pid}`)
  await writeFile(temporary, contents)
  if (time) await utimes(temporary, time, time)
  await rename(temporary, join(dist, name))
}

/** Removes files of earlier builds once they have been out of use for a while. */
async function sweep(current) {
  const record = join(dist, ".old.json")
  const before = JSON.parse(await readFile(record, "utf8").catch(() => "{}"))
  const after = {}
  for (const name of await readdir(dist)) {
    if (current.has(name) || !/\.(mjs|cjs)(\.\d+)?$/.test(name)) continue
    const since = before[name] ?? Date.now()
    if (Date.now() - since > KEEP_OLD_MS) await rm(join(dist, name), { force: true })
    else after[name] = since
  }
  await put(".old.json", JSON.stringify(after))
}

async function main() {
  await mkdir(dist, { recursive: true })
  // `cli/prepare.mjs` holds the lock already when it calls.
  if (process.argv.includes("--locked")) await build()
  else await withLock(join(dist, ".lock"), build)
}

await main().catch((error) => {
  // esbuild has said what is wrong already, with the place.
  if (!error.errors) console.error(error.message)
  process.exitCode = 1
})
