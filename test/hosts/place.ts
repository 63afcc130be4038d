import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** Where something runs: it is told a digest, and from then on answers with it. */
export class Place {
  running = ""
  /** What it says to a request whether it is well. */
  status = 200
  readonly #server = createServer((request, response) => {
    if (request.method !== "PUT") {
      const status = request.url === "/healthz" ? this.status : 200
      response.writeHead(status).end(this.running)
      return
    }
    let body = ""
    request.on("data", (data) => {
      body += data
    })
    request.on("end", () => {
      this.running = body
      response.writeHead(204).end()
    })
  })

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const DEPLOY = `import os, sys, urllib.request

request = urllib.request.Request(sys.argv[1], data=os.environ["PYLINE_DIGEST"].encode(), method="PUT")
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
`

/** Files that make a project one which is released to two places, each with a repository of its own. */
export function releasedTo(
  registry: string,
  staging: Place,
  production: Place,
): Record<string, string> {
  const environment = (name: string, { url }: Place) => `
[environments.${name}]
target = "command"
registry = "${registry}/${name}/shop"
deploy-command = ["python3", "deploy.py", "${url}"]
digest-url = "${url}/digest"
url = "${url}"
validate = ["/healthz"]
`
  return {
    "deploy.py": DEPLOY,
    "pyline.toml": `start = "python -m http.server"\n${environment("staging", staging)}${environment("production", production)}`,
  }
}
