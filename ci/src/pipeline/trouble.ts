/** What went wrong in a step that installs something, as the words of its tool tell it. */
export type Trouble =
  /** An index or a mirror did not answer, or not well. `passing`: the next try may well go better. */
  | { kind: "network"; what: string; passing: boolean }
  /** It wants credentials, or other ones. */
  | { kind: "refused" }
  /** What arrived is not what was locked. */
  | { kind: "hash" }
  /** Nothing can satisfy what was asked for. */
  | { kind: "resolution" }
  /** A build backend failed. */
  | { kind: "build" }

const REFUSED =
  /401 unauthorized|403 forbidden|missing credentials|authentication credentials|lack of valid/i
const HASH = /hash mismatch|do not match the hashes|hash sum mismatch/i
const RESOLUTION =
  /^because |no solution found|was not found in the package registry|no matching distribution|unable to locate package/i
const BUILD =
  /failed to build|build backend|failed to prepare|metadata-generation-failed|subprocess-exited-with-error|call to `/i

/** Troubles that pass, in the words of uv, pip, apt and git; what a person is told of each. */
const PASSING: [RegExp, string | undefined][] = [
  [
    /dns error|failed to lookup address|could not resolve|temporary failure (?:in name )?resol|name or service not known/i,
    "a name could not be resolved",
  ],
  [/connection refused/i, "connection refused"],
  // As each of them writes the answer of a server.
  [
    /\(((?:429|5\d\d) [A-Z][A-Za-z ]+)\)| {2}((?:429|5\d\d) +[A-Z][A-Za-z ]+)(?: \[|$)|too many (429|5\d\d) error|\b((?:429|5\d\d) (?:Server|Client) Error)|HTTP error (429|5\d\d)/,
    undefined,
  ],
  [
    /unexpected eof|eof occurred|close_notify|error in the pull function|handshake (?:failure|failed|timed out)/i,
    "the TLS connection broke off",
  ],
  [
    /connection (?:was )?(?:reset|aborted|closed|failed)|reset by peer|broken pipe|remote end closed|incomplete(?:message|read)/i,
    "the connection was reset",
  ],
  [/timed? ?out/i, "no answer in time"],
  // pip does not say why it has no list of a package; those that Pyline asks it for are on every index.
  [/\(from versions: none\)/, "an index gave no list of versions"],
]

/** Troubles of networks that do not pass by themselves. */
const LASTING = /certificate|network is unreachable|no route to host|error sending request|x509/i

/** Reads the standard error of a step that installs something; nothing when it is none of these. */
export function readTrouble(stderr: string): Trouble | undefined {
  const said = complaints(stderr)
  const has = (words: RegExp) => said.some((line) => words.test(line))
  if (has(HASH)) return { kind: "hash" }
  if (has(REFUSED)) return { kind: "refused" }
  // A chain of causes ends with what happened; what was tried stands before it.
  const root = said.findLast((line) => !/^(?:hint:|no matching distribution)/i.test(line)) ?? ""
  const passing = /^because /i.test(root) ? undefined : passingTrouble(said, root)
  if (passing !== undefined) return { kind: "network", what: passing, passing: true }
  if (has(RESOLUTION)) return { kind: "resolution" }
  if (has(BUILD)) return { kind: "build" }
  const lasting = said.findLast((line) => LASTING.test(line))
  return lasting === undefined ? undefined : { kind: "network", what: lasting, passing: false }
}

function passingTrouble(said: readonly string[], root: string): string | undefined {
  // apt ends with a sentence that says nothing; what it could not fetch stands before. pip tells of its own tries.
  const lines =
    /^(?:some index files|unable to fetch some archives|could not find a version)/i.test(root)
      ? said
      : [root]
  for (const [words, what] of PASSING) {
    for (const line of lines) {
      const found = words.exec(line)
      if (found) return what ?? found.slice(1).find(Boolean)?.replace(/ +/g, " ")
    }
  }
  return undefined
}

/**
 * What a tool itself says is wrong, a line each. What a build printed is not: uv shows that in blocks of its own
 * (`[stderr]`), pip with a margin.
 */
function complaints(stderr: string): string[] {
  const said: string[] = []
  let block: number | undefined
  for (const line of stderr.split("\n")) {
    const margin = line.length - line.trimStart().length
    if (block !== undefined && (margin >= block || line.trim() === "")) continue
    block = /^\s+\[(?:stdout|stderr)\]\s*$/.test(line) ? margin : undefined
    const [, words] =
      /^(?:\s*(?:cause|caused by): |(?:error|ERROR|fatal|hint): |WARNING: (?=Retrying)|E: |Err:\d+ )(.*)/i.exec(
        line,
      ) ??
      /^([\w.]+(?:Error|Exception): .*)/.exec(line) ??
      []
    if (words !== undefined) said.push(/^hint:/.test(line) ? `hint: ${words}` : words)
  }
  return said
}
