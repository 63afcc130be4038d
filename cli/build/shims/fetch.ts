import { Agent, request } from "node:http"
import { Headers } from "./headers.ts"

const agent = new Agent({ keepAlive: true })

interface Init {
  method?: string
  headers?: Headers
  body?: string
  signal?: AbortSignal
}

/** The part of node-fetch that the SDK uses: one POST to the session on loopback, answered with text. */
export default function fetch(url: URL, init: Init = {}) {
  return new Promise((resolve, reject) => {
    const fail = (error: NodeJS.ErrnoException) =>
      // The SDK tells a session that is gone by node-fetch's `errno`.
      reject(Object.assign(error, { errno: error.code }))
    const headers = Object.fromEntries(init.headers ?? [])
    const options = { method: init.method, headers, agent, signal: init.signal }
    const call = request(url, options as object, (answer) => {
      const chunks: Buffer[] = []
      answer.on("data", (chunk: Buffer) => chunks.push(chunk))
      answer.on("error", fail)
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString()
        const status = answer.statusCode ?? 0
        resolve({
          ok: status >= 200 && status < 300,
          status,
          statusText: answer.statusMessage ?? "",
          headers: new Headers(
            Object.entries(answer.headers).map(([name, value]) => [name, String(value)] as const),
          ),
          text: async () => text,
          json: async () => JSON.parse(text),
        })
      })
    })
    call.on("error", fail)
    call.end(init.body)
  })
}
