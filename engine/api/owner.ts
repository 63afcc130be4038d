import { isNumeric, lookupOwner } from "../graph/owner.ts"
import type { Container } from "../graph/values.ts"
import type { Session } from "./context.ts"

/**
 * The arguments with their owner in numbers. A name is looked up in the container as it is now: only
 * the numbers, not all that is in its file system, count for what is made with them.
 */
export async function resolveOwner<A extends { owner?: string | null }>(
  session: Session,
  c: Container,
  args: A,
): Promise<A> {
  const owner = args.owner ?? ""
  if (!owner || isNumeric(owner)) return args
  const [passwd, group] = await session.engine.solver.read(session, c.fs, [
    { kind: "file", path: "/etc/passwd" },
    { kind: "file", path: "/etc/group" },
  ])
  const text = (data = "") => Buffer.from(data, "base64").toString("utf8")
  return { ...args, owner: lookupOwner(owner, text(passwd?.data), text(group?.data)) }
}
