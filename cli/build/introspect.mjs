import { createHash } from "node:crypto"
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"
import * as esbuild from "esbuild"

const root = fileURLToPath(new URL("../../", import.meta.url))
const sdk = join(root, "node_modules/@dagger.io/dagger/dist/src")

/**
 * Reads the module in `moduleDir` as Dagger would, with the introspector of its SDK, and returns what
 * `cli/verbs/module.ts` describes. Rejects when Dagger could not load a signature.
 *
 * The introspector is bundled for two reasons: it then works with the TypeScript compiler that modules
 * get from Dagger (the root's), not with the SDK's own; and it needs the API's classes as a source file,
 * of which the package only has the declarations. A copy under another name will do, as it is only read.
 *
 * @param {string} moduleDir folder with `src/`
 * @param {string} workDir where to put the bundle
 */
export async function introspect(moduleDir, workDir) {
  const dir = join(workDir, "introspector")
  await mkdir(dir, { recursive: true })
  const clientTypes = join(dir, "client.gen.ts")
  await copyFile(join(sdk, "api/client.gen.d.ts"), clientTypes)
  const { outputFiles } = await esbuild.build({
    entryPoints: [join(root, "cli/build/verbs.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    external: ["typescript"],
    banner: {
      js: 'import{createRequire as $createRequire}from"node:module";const require=$createRequire(import.meta.url);',
    },
  })
  const bundle = join(dir, "verbs.mjs")
  await writeFile(bundle, outputFiles[0].contents)
  const { readModule } = await import(pathToFileURL(bundle).href)
  return readModule(moduleDir, clientTypes)
}

/** The same, from an earlier build when no source of the module has changed since: the compiler takes seconds. */
export async function introspectOnce(moduleDir, workDir) {
  const files = [join(root, "cli/build/verbs.ts"), join(root, "package-lock.json")]
  for (const name of (await readdir(join(moduleDir, "src"), { recursive: true })).sort())
    if (name.endsWith(".ts")) files.push(join(moduleDir, "src", name))
  const hash = createHash("sha256")
  for (const file of files) hash.update(`${file}\0`).update(await readFile(file))
  const record = join(workDir, "introspector/known.json")
  const key = hash.digest("hex")
  const known = JSON.parse(await readFile(record, "utf8").catch(() => "{}"))
  if (known.key === key) return known.module
  const module = await introspect(moduleDir, workDir)
  await writeFile(record, JSON.stringify({ key, module }))
  return module
}

// As a program, for tests: node cli/build/introspect.mjs <work folder> <module folder>…
// prints for each module what it is or why Dagger could not load it.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , workDir, ...moduleDirs] = process.argv
  const read = (dir) =>
    introspect(dir, workDir).then(
      (module) => ({ module }),
      (error) => ({ error: error.message }),
    )
  const answers = []
  for (const dir of moduleDirs) answers.push(await read(dir))
  console.log(JSON.stringify(answers))
}
