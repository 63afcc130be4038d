import type { Owner } from "../llb/file.ts"

const one = (text: string) =>
  /^\d+$/.test(text) ? { byID: Number(text) } : { byName: { name: text, input: 0 } }

/** `user`, `user:group`, `uid`, `uid:gid`; without a group the group is the user's number or name. */
export function parseOwner(owner: string): Owner | undefined {
  if (!owner) return undefined
  const [user = "", group] = owner.split(":")
  return { user: one(user), group: one(group ?? user) }
}
