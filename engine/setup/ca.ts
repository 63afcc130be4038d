import { existsSync } from "node:fs"

const variables = [
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
  "REQUESTS_CA_BUNDLE",
  "CURL_CA_BUNDLE",
  "PIP_CERT",
  "GIT_SSL_CAINFO",
]

/** The file of certificate authorities that the environment asks programs to trust, if it names one. */
export function caBundle(env: NodeJS.ProcessEnv): string | undefined {
  for (const name of variables) {
    const file = env[name]
    if (file && existsSync(file)) return file
  }
  return undefined
}
