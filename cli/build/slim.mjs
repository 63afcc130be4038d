import { readFile } from "node:fs/promises"
import { relative, sep } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))
const shim = (name) => fileURLToPath(new URL(`./shims/${name}.ts`, import.meta.url))
const inSdk = (path) => path.includes(`${sep}@dagger.io${sep}dagger${sep}`)

/**
 * An unchanged run has to be over in 0.4 s, and the Dagger SDK as it comes takes 0.8 s to load: it
 * pulls in the TypeScript compiler (for its module introspector), the OpenTelemetry SDK, and web
 * stream polyfills. None of them is needed by a client of a session. Measured on 2 cores, 10 queries:
 *
 *   as it comes 0.8 s; without side effects (no compiler) 0.17 s; telemetry only when it is configured
 *   0.12 s; without Node's own `Headers` (which loads undici) 0.10 s; `node -e 0` alone 0.06 s.
 */
export const slim = {
  name: "slim",
  setup(build) {
    build.onResolve({ filter: /^\.\/init\.js$/ }, ({ importer }) =>
      inSdk(importer) ? { path: shim("telemetry") } : undefined,
    )
    build.onResolve({ filter: /^node-fetch$/ }, ({ importer }) =>
      importer.endsWith(`graphql${sep}client.js`) ? { path: shim("fetch") } : undefined,
    )
    // It reads every query with all of a GraphQL parser, for the name of the operation. The SDK's have none.
    build.onLoad({ filter: /graphql-request.*analyzeDocument\.js$/ }, () => ({
      contents:
        "export const analyzeDocument = (text) => ({ expression: text, isMutation: false })",
    }))
    build.onLoad({ filter: /graphql-request.*\.js$/ }, async ({ path }) => {
      const contents = await readFile(path, "utf8")
      if (!/\bHeaders\b/.test(contents)) return
      const from = JSON.stringify(shim("headers"))
      return { contents: `import { Headers } from ${from}\n${contents}`, loader: "js" }
    })
    // The SDK does not say in its package.json that unused files may be left out. They may.
    build.onResolve({ filter: /^@dagger\.io\/dagger$|^\.\.?\/.*\.js$/ }, async (args) => {
      if (args.pluginData === "resolving") return
      if (args.path.startsWith(".") && !inSdk(args.importer)) return
      const { path, importer, resolveDir, kind } = args
      const found = await build.resolve(path, {
        importer,
        resolveDir,
        kind,
        pluginData: "resolving",
      })
      return { ...found, sideEffects: false }
    })
  },
}

/**
 * Keeps `import.meta.url` the address of the source file, in the bundle too: what lies beside a
 * source file (the probe of the module, the tools of the engine) is found in the same way from
 * sources and from `dist/`, and nothing needs copying.
 */
export const sourceUrl = {
  name: "source-url",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = relative(root, path)
      if (place.startsWith("..") || place.includes("node_modules")) return
      const text = await readFile(path, "utf8")
      if (!text.includes("import.meta.url")) return
      const url = JSON.stringify(`../${place.split(sep).join("/")}`)
      const contents = text.replaceAll("import.meta.url", `new URL(${url}, import.meta.url).href`)
      return { contents, loader: "ts" }
    })
  },
}
