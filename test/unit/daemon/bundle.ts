import { readFile } from "node:fs/promises"
import { fileURLToPath, pathToFileURL } from "node:url"
import { build } from "esbuild"

/** Bundles the engine as the build does, but to anywhere: its sources keep their own addresses. */
export async function bundleEngine(outfile: string): Promise<void> {
  await build({
    entryPoints: [fileURLToPath(new URL("../../../engine/main.ts", import.meta.url))],
    outfile,
    bundle: true,
    platform: "node",
    target: "node20",
    format: "esm",
    logLevel: "error",
    // CommonJS packages in the bundle `require` Node's own modules.
    banner: {
      js: 'import{createRequire as $require}from"node:module";const require=$require(import.meta.url);',
    },
    plugins: [
      {
        name: "source-url",
        setup({ onLoad }) {
          onLoad({ filter: /\/engine\/.*\.ts$/ }, async ({ path }) => {
            const url = JSON.stringify(pathToFileURL(path).href)
            const text = await readFile(path, "utf8")
            return { contents: text.replaceAll("import.meta.url", url), loader: "ts" }
          })
        },
      },
    ],
  })
}
