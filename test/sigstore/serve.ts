import { writeFileSync } from "node:fs"
import path from "node:path"
import { argv } from "node:process"
import { hasSigstore, sigstoreTools, startSigstore } from "./sigstore.ts"

// An instance to try by hand, until it is interrupted: `npx tsx test/sigstore/serve.ts FOLDER` writes there what clients need.

const target = argv[2]
if (target === undefined) throw new Error("usage: npx tsx test/sigstore/serve.ts FOLDER")
if (!hasSigstore) throw new Error("PYLINE_SIGSTORE: see CONTRIBUTING.md")
const sigstore = await startSigstore(sigstoreTools)
const { trustedRoot, signingConfig } = JSON.parse(sigstore.trustConfig)
const files = {
  "trust-config.json": sigstore.trustConfig,
  "trusted-root.json": JSON.stringify(trustedRoot),
  "signing-config.json": JSON.stringify(signingConfig),
  "identity-token": sigstore.identityToken(),
  "github.env": [
    `ACTIONS_ID_TOKEN_REQUEST_URL=${sigstore.tokenUrl}`,
    `ACTIONS_ID_TOKEN_REQUEST_TOKEN=${sigstore.tokenBearer}\n`,
  ].join("\n"),
}
for (const [name, text] of Object.entries(files)) writeFileSync(path.join(target, name), text)
console.log(sigstore.issuer)
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => sigstore.stop().then(() => process.exit()))
