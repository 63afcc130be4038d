import { resolve } from "node:path"
import { startApi } from "./api/server.ts"
import { serve } from "./daemon/serve.ts"

if (process.argv[2] === "serve") {
  await serve({ bundle: resolve(process.argv[1] as string), startApi })
} else {
  process.stderr.write("usage: engine.mjs serve\n")
  process.exitCode = 2
}
