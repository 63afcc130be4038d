import {
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestOptions,
} from "node:http"
import { request as httpsRequest } from "node:https"
import { connect as tlsConnect } from "node:tls"

/** Status, headers and the first bytes of what an address answers, through the proxy that the environment names. */
export async function get(
  url: URL,
  options: { timeout: number; bytes?: number },
): Promise<{ status: number; headers: IncomingHttpHeaders; text: string }> {
  const signal = AbortSignal.timeout(options.timeout)
  const proxy = proxyFor(url, process.env)
  const response = await (proxy ? throughProxy(url, proxy, signal) : direct(url, signal))
  const limit = options.bytes ?? 0
  let text = ""
  try {
    if (limit > 0) {
      for await (const chunk of response) {
        text += chunk
        if (text.length >= limit) break
      }
    }
  } finally {
    response.destroy()
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text }
}

/** The proxy for an address by HTTP_PROXY, HTTPS_PROXY and NO_PROXY, as curl and Go read them. */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv): URL | undefined {
  const setting = (name: string) => env[name.toLowerCase()] || env[name]
  const excluded = (setting("NO_PROXY") ?? "").split(/[\s,]+/).filter(Boolean)
  const host = url.hostname
  for (const entry of excluded) {
    const name = entry.replace(/^\*?\./, "").replace(/:\d+$/, "")
    if (entry === "*" || host === name || host.endsWith(`.${name}`)) return undefined
  }
  const proxy =
    setting(url.protocol === "https:" ? "HTTPS_PROXY" : "HTTP_PROXY") ?? setting("ALL_PROXY")
  if (!proxy) return undefined
  return new URL(proxy.includes("://") ? proxy : `http://${proxy}`)
}

function direct(
  url: URL,
  signal: AbortSignal,
  more: RequestOptions = {},
): Promise<IncomingMessage> {
  const request = url.protocol === "https:" ? httpsRequest : httpRequest
  return new Promise((resolve, reject) => {
    request(url, { signal, agent: false, ...more }, resolve)
      .on("error", reject)
      .end()
  })
}

async function throughProxy(url: URL, proxy: URL, signal: AbortSignal): Promise<IncomingMessage> {
  const credentials = decodeURIComponent(`${proxy.username}:${proxy.password}`)
  const headers: Record<string, string> = proxy.username
    ? { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` }
    : {}
  if (url.protocol === "http:") {
    return direct(proxy, signal, { path: url.href, headers: { ...headers, host: url.host } })
  }
  const request = proxy.protocol === "https:" ? httpsRequest : httpRequest
  const socket = await new Promise<import("node:net").Socket>((resolve, reject) => {
    const path = `${url.hostname}:${url.port || 443}`
    const options = { method: "CONNECT", path, headers, signal, agent: false as const }
    request(proxy, options)
      .on("connect", (response, socket) => {
        if (response.statusCode === 200) resolve(socket)
        else reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`))
      })
      .on("response", (response) =>
        reject(new Error(`the proxy ${proxy.host} answered ${response.statusCode}`)),
      )
      .on("error", reject)
      .end()
  })
  const tls = tlsConnect({ socket, servername: url.hostname })
  return direct(url, signal, { createConnection: () => tls })
}
