/**
 * The environment of the daemon: what it needs of its first client's. Anything else could be a
 * secret of that client's, and would be seen by every later session.
 */
const kept = new Set([
  "PATH",
  "HOME",
  "USER",
  "LOGNAME",
  "LANG",
  "TZ",
  "TMPDIR",
  "XDG_STATE_HOME",
  "XDG_RUNTIME_DIR",
  "XDG_CONFIG_HOME",
  "BUILDKIT_HOST",
  "SSL_CERT_FILE",
  "SSL_CERT_DIR",
  "HTTP_PROXY",
  "HTTPS_PROXY",
  "NO_PROXY",
  "ALL_PROXY",
  "http_proxy",
  "https_proxy",
  "no_proxy",
  "all_proxy",
  "DOCKER_HOST",
  "DOCKER_CONFIG",
  "DOCKER_CONTEXT",
  "DOCKER_CERT_PATH",
  "DOCKER_TLS_VERIFY",
  "CONTAINER_HOST",
  "PYLINE_STATE_DIR",
  "PYLINE_IDLE_TIMEOUT",
  "PYLINE_ENGINE_BUNDLE",
])

export function daemonEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => kept.has(name)))
}

const units: Record<string, number> = { "": 1000, s: 1000, m: 60_000, h: 3_600_000 }

/** The idle timeout in ms: `PYLINE_IDLE_TIMEOUT` is `90`, `90s`, `15m`, `2h` or `never`; an hour by default. */
export function idleTimeout(env: NodeJS.ProcessEnv): number {
  const value = env.PYLINE_IDLE_TIMEOUT?.trim() ?? ""
  if (value === "never") return Number.POSITIVE_INFINITY
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s*([smh]?)$/.exec(value) ?? []
  return number === undefined ? 3_600_000 : Number(number) * (units[unit] as number)
}
