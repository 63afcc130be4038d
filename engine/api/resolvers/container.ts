import { EngineError } from "../../graph/errors.ts"
import { type ExecArgs, withExec } from "../../graph/execute.ts"
import { withImage } from "../../graph/image.ts"
import type { Stream } from "../../graph/record.ts"
import { type TerminalArgs, terminal } from "../../graph/terminal.ts"
import type { Container } from "../../graph/values.ts"
import type { Vertex } from "../../llb/vertex.ts"
import { outputsOf, type Session } from "../context.ts"
import { config } from "./config.ts"
import { files } from "./files.ts"
import { authOf, image } from "./image.ts"
import { mounts } from "./mounts.ts"
import { containerServices } from "./service.ts"

const lastExec = (c: Container): Vertex => {
  if (!c.lastExec) throw new EngineError("no command has been set")
  return c.lastExec.vertex
}

const printed = (stream: Stream) => (c: Container, _: unknown, session: Session) =>
  session.engine.solver.execOutput(session, lastExec(c), stream)

export const container = {
  ...config,
  ...files,
  ...mounts,
  ...image,
  ...containerServices,
  async from(c: Container, { address }: { address: string }, session: Session) {
    const key = JSON.stringify([address, c.platform, c.registryAuth])
    let asked = session.images.get(key)
    if (!asked) {
      const auth = await authOf(c, address)
      asked = session.engine.images.resolve(address, c.platform, auth, session.signal)
      session.images.set(key, asked)
      asked.catch(() => session.images.delete(key))
    }
    const found = await asked
    return withImage(c, found.fs, found.config, found.ref)
  },
  async withExec(c: Container, args: ExecArgs, session: Session) {
    return withExec(c, args, await session.support())
  },
  stdout: printed("stdout"),
  stderr: printed("stderr"),
  combinedOutput: printed("combined"),
  exitCode: async (c: Container, _: unknown, session: Session) =>
    (await session.engine.solver.execRecord(session, lastExec(c))).exitCode,
  async sync(c: Container, _: unknown, session: Session): Promise<string> {
    await session.engine.solver.ensure(session, outputsOf(c))
    return session.idOf(c)
  },
  async terminal(c: Container, args: TerminalArgs, session: Session): Promise<Container> {
    await terminal(c, args, {
      asker: session,
      solver: session.engine.solver,
      support: await session.support(),
      openTerminal: session.openTerminal,
    })
    return c
  },
  withError: (c: Container, { err }: { err: string }): Container =>
    err ? { ...c, error: err } : c,
}
