import type { Owner } from "../llb/file.ts"
import { EngineError } from "./errors.ts"

const NUMBERS = /^\d+(:\d+)?$/

/** Whether an owner is written in numbers, and so means the same in every container. */
export const isNumeric = (owner: string): boolean => NUMBERS.test(owner)

/** `uid` or `uid:gid`; without a group the group has the user's number. */
export function parseOwner(owner: string): Owner | undefined {
  if (!owner) return undefined
  if (!isNumeric(owner))
    throw new EngineError(`unable to find user ${owner}: no users are known here`)
  const [uid, gid = uid] = owner.split(":").map(Number) as [number, number?]
  return { user: { byID: uid }, group: { byID: gid } }
}

/** Looks an owner up in the text of a container's `/etc/passwd` and `/etc/group`: `uid:gid`. */
export function lookupOwner(owner: string, passwd: string, group: string): string {
  const [user = "", of] = owner.split(":")
  const rows = (text: string) => text.split("\n").map((line) => line.split(":"))
  const account = rows(passwd).find((row) => row[0] === user)
  const uid = /^\d+$/.test(user) ? user : account?.[2]
  if (uid === undefined)
    throw new EngineError(`unable to find user ${user}: no matching entries in passwd file`)
  if (of === undefined) return `${uid}:${/^\d+$/.test(user) ? uid : (account?.[3] ?? uid)}`
  const gid = /^\d+$/.test(of) ? of : rows(group).find((row) => row[0] === of)?.[2]
  if (gid === undefined)
    throw new EngineError(`unable to find group ${of}: no matching entries in group file`)
  return `${uid}:${gid}`
}
