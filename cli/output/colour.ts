type Env = Record<string, string | undefined>

/**
 * Whether a stream gets colours: `NO_COLOR` and `FORCE_COLOR` decide, else whether it is a capable terminal.
 *
 * @param isLog it is read by people in any case, and the log pages of GitHub and GitLab show colours
 */
export function wantsColour(stream: { isTTY?: boolean }, env: Env, isLog = false): boolean {
  if (env.NO_COLOR) return false
  const force = env.FORCE_COLOR
  if (force !== undefined) return force !== "0" && force !== "false"
  if (env.TERM === "dumb") return false
  if (stream.isTTY === true) return true
  return isLog && (env.GITHUB_ACTIONS === "true" || env.GITLAB_CI === "true")
}

/** Whether the live view works here: a terminal that moves its cursor, with a person before it. */
export function isLive(stream: { isTTY?: boolean }, env: Env): boolean {
  const ci = env.CI
  return stream.isTTY === true && env.TERM !== "dumb" && (!ci || ci === "false" || ci === "0")
}
