import { chmodSync, existsSync, mkdirSync, renameSync, statSync } from "node:fs"
import path from "node:path"
import { fileOf, newFile, placeFile } from "../../graph/directory.ts"
import { EngineError } from "../../graph/errors.ts"
import { parseOwner } from "../../graph/owner.ts"
import { basename, join } from "../../graph/path.ts"
import type { File } from "../../graph/values.ts"
import { copy, edit } from "../../llb/file.ts"
import type { Session } from "../context.ts"
import { checkEarly, readFile, requireType, saveFile, stat } from "../read.ts"
import { parseEnvFile } from "./envfile.ts"

export const file = {
  async id(f: File, _: unknown, session: Session): Promise<string> {
    await checkEarly(session, f, "REGULAR")
    return session.idOf(f)
  },
  async sync(f: File, _: unknown, session: Session): Promise<string> {
    await requireType(session, f, f.path, "REGULAR")
    return session.idOf(f)
  },
  async name(f: File, _: unknown, session: Session): Promise<string> {
    await requireType(session, f, f.path, "REGULAR")
    return basename(f.path)
  },
  size: async (f: File, _: unknown, session: Session) =>
    (await requireType(session, f, f.path, "REGULAR")).size,
  stat: (f: File, _: unknown, session: Session) => stat(session, f, f.path, true),
  async contents(
    f: File,
    args: { offsetLines?: number | null; limitLines?: number | null },
    session: Session,
  ): Promise<string> {
    const text = (await readFile(session, f)).toString("utf8")
    if (args.offsetLines == null && args.limitLines == null) return text
    const lines = text.split(/(?<=\n)/)
    const from = args.offsetLines ?? 0
    return lines.slice(from, args.limitLines == null ? undefined : from + args.limitLines).join("")
  },
  async digest(f: File, args: { excludeMetadata?: boolean | null }, session: Session) {
    const excludeMetadata = !!args.excludeMetadata
    const spec = { op: "digest", kind: "file", path: f.path, excludeMetadata }
    await requireType(session, f, f.path, "REGULAR")
    return session.engine.solver.query<string>(session, spec, { src: f.fs })
  },
  asEnvFile: async (f: File, _: unknown, session: Session) =>
    parseEnvFile((await readFile(session, f)).toString("utf8")),
  async export(
    f: File,
    args: { path: string; allowParentDirPath?: boolean | null },
    session: Session,
  ): Promise<string> {
    const { mode } = await requireType(session, f, f.path, "REGULAR")
    const asked = session.hostPath(args.path)
    let dest = asked
    const isDirectory = existsSync(dest) && statSync(dest).isDirectory()
    if (isDirectory || args.path.endsWith("/")) {
      if (!args.allowParentDirPath) {
        throw new EngineError(`${dest} is a directory: the path of a file was expected`)
      }
      dest = path.join(dest, basename(f.path))
    }
    mkdirSync(path.dirname(dest), { recursive: true })
    const temporary = `${dest}.${process.pid}.part`
    await saveFile(session, f, temporary)
    chmodSync(temporary, mode & 0o777)
    renameSync(temporary, dest)
    return asked
  },

  withName(f: File, { name }: { name: string }): File {
    const at = join("/", name)
    return { kind: "File", fs: edit(null, copy(at, f.fs, f.path)), path: at }
  },
  chown(f: File, { owner }: { owner: string }): File {
    const who = parseOwner(owner)
    const fs = placeFile(null, `/${basename(f.path)}`, f, who ? { owner } : {})
    return { kind: "File", fs, path: `/${basename(f.path)}` }
  },
  withTimestamps(f: File, { timestamp }: { timestamp: number }): File {
    const at = `/${basename(f.path)}`
    return {
      kind: "File",
      fs: edit(null, copy(at, f.fs, f.path, { timestamp: timestamp * 1e9 })),
      path: at,
    }
  },
  async withReplaced(
    f: File,
    args: { search: string; replacement: string; all?: boolean | null; firstFrom?: number | null },
    session: Session,
  ): Promise<File> {
    const { mode } = await requireType(session, f, f.path, "REGULAR")
    const text = (await readFile(session, f)).toString("utf8")
    const replaced = replace(text, args)
    return fileOf(
      { kind: "Directory", fs: newFile(basename(f.path), replaced, mode & 0o777).fs, path: "/" },
      basename(f.path),
    )
  },
}

function replace(
  text: string,
  args: { search: string; replacement: string; all?: boolean | null; firstFrom?: number | null },
): string {
  const { search, replacement } = args
  if (args.all) return text.split(search).join(replacement)
  const start =
    args.firstFrom == null
      ? 0
      : text
          .split(/(?<=\n)/)
          .slice(0, args.firstFrom - 1)
          .join("").length
  const at = text.indexOf(search, start)
  if (at < 0) throw new EngineError(`search string not found`)
  if (args.firstFrom == null && text.indexOf(search, at + 1) >= 0) {
    throw new EngineError(`search string found multiple times`)
  }
  return text.slice(0, at) + replacement + text.slice(at + search.length)
}
