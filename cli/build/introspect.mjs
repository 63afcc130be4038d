import { copyFile, mkdir, writeFile } from "node:fs/promises"
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

// As a program: node cli/build/introspect.mjs <module folder> <work folder>
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , moduleDir, workDir] = process.argv
  try {
    console.log(JSON.stringify(await introspect(moduleDir, workDir), undefined, 1))
  } catch (error) {
    console.error(error.message)
    process.exitCode = 1
  }
}
