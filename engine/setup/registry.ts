import { get } from "./http.ts"

/** Where a registry's API is; Docker Hub's is not at its name. */
function api(host: string): URL {
  if (host === "docker.io") return new URL("https://registry-1.docker.io/v2/")
  const local = /^(localhost|127\.|\[::1\])/.test(host)
  return new URL(`${local ? "http" : "https"}://${host}/v2/`)
}

/** Whether a registry answers as registries do: 200, or 401 for who has not logged in. Else, why not. */
export async function probeRegistry(host: string, timeout = 4000): Promise<string | undefined> {
  try {
    const { status } = await get(api(host), { timeout })
    return status === 200 || status === 401 || status === 429 ? undefined : `it answered ${status}`
  } catch (error) {
    const { code, message, name } = error as NodeJS.ErrnoException
    if (name === "TimeoutError" || name === "AbortError") return `no answer in ${timeout / 1000} s`
    return code === "ENOTFOUND" || code === "EAI_AGAIN" ? "its name is not known" : message
  }
}
