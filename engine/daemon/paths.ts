import { createHash } from "node:crypto"
import { chmodSync, lstatSync, mkdirSync } from "node:fs"
import { homedir, tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { EngineError } from "./error.ts"

/** Where everything of one engine lives. Two engines never share a state directory. */
export interface Paths {
  state: string
  /** The directory of the sockets: the state directory unless its path is too long for a socket. */
  sockets: string
  socket: string
  buildkitSocket: string
  lock: string
  setupLock: string
  log: string
  buildkitLog: string
  config: string
  bin: string
  images: string
  buildkitRoot: string
  /** Scratch space of BuildKit: a private tmpfs is mounted here where only BuildKit sees it. */
  tmp: string
}

type Env = Record<string, string | undefined>

/** The state directory: $PYLINE_STATE_DIR, else $XDG_STATE_HOME/pyline, else ~/.local/state/pyline. */
export function stateDir(env: Env = process.env): string {
  if (env.PYLINE_STATE_DIR) return resolve(env.PYLINE_STATE_DIR)
  return join(env.XDG_STATE_HOME || join(homedir(), ".local", "state"), "pyline")
}

// sockaddr_un has room for 107 bytes and the longest socket name here takes 16.
const longestSocketDir = 90

/** All paths of the engine with this state directory. Touches no file. */
export function enginePaths(state: string = stateDir()): Paths {
  let sockets = state
  if (Buffer.byteLength(state) > longestSocketDir) {
    const hash = createHash("sha256").update(state).digest("hex").slice(0, 16)
    sockets = join(tmpdir(), `pyline-${process.getuid?.() ?? 0}-${hash}`)
  }
  return {
    state,
    sockets,
    socket: join(sockets, "engine.sock"),
    buildkitSocket: join(sockets, "buildkitd.sock"),
    lock: join(state, "engine.lock"),
    setupLock: join(state, "setup.lock"),
    log: join(state, "engine.log"),
    buildkitLog: join(state, "buildkitd.log"),
    config: join(state, "engine.json"),
    bin: join(state, "bin"),
    images: join(state, "images"),
    buildkitRoot: join(state, "buildkit"),
    tmp: join(state, "tmp"),
  }
}

/** Makes the directories, readable by their owner only, and refuses directories of somebody else. */
export function makeDirs(paths: Paths): void {
  for (const dir of new Set([paths.state, paths.sockets])) {
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    const stat = lstatSync(dir)
    const uid = process.getuid?.() ?? stat.uid
    const theirs = stat.uid !== uid
    // One that anybody may write to (/tmp) is not to be closed to them.
    const shared = (stat.mode & 0o1000) !== 0
    if (!theirs && !shared && stat.isDirectory()) chmodSync(dir, stat.mode & 0o7755)
    // A link in a world-writable folder could have been planted; the user's own link is theirs to make.
    if (theirs || shared || (dir !== paths.state && !stat.isDirectory())) {
      throw new EngineError(
        "STATE_DIR_UNSAFE",
        `${dir} ${theirs ? `belongs to user ${stat.uid}` : "is open to all users"}, so the engine does not keep its state there.`,
        { fix: "set PYLINE_STATE_DIR to a directory of your own" },
      )
    }
  }
}
