import { randomBytes } from "node:crypto"
import type { Read, ReadResult } from "../buildkit/bridge-protocol.ts"
import { type ExecRecord, LARGEST } from "../store/memo.ts"
import { EngineError } from "./errors.ts"

export type Stream = "stdout" | "stderr" | "combined"

const STREAMS: Stream[] = ["stdout", "stderr", "combined"]

/** What is read of a step that ran; longer output is read when it is asked for. */
export const RECORD: Read[] = [
  { kind: "file", path: "/exitCode" },
  ...STREAMS.map((name): Read => ({ kind: "file", path: `/${name}`, length: LARGEST / 4 })),
]

/** The answers to RECORD as what is kept of the step. */
export function toRecord([exitCode, ...outputs]: ReadResult[]): ExecRecord {
  const code = Buffer.from(exitCode?.data ?? "", "base64").toString()
  if (!/^-?\d+$/.test(code.trim())) {
    throw new EngineError("the step left no record of its output: its file system was lost")
  }
  const record: ExecRecord = { run: randomBytes(8).toString("hex"), exitCode: Number(code) }
  STREAMS.forEach((name, i) => {
    const data = Buffer.from(outputs[i]?.data ?? "", "base64")
    if (data.length < LARGEST / 4) record[name] = data.toString("utf8")
  })
  return record
}

/** What there is to read in an empty file system. */
export function readEmpty(read: Read): ReadResult {
  if (read.path === "/" && read.kind === "dir") return { entries: [] }
  return { error: `${read.path}: no such file or directory`, code: "ENOENT" }
}
