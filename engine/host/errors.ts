/** What can be wrong with a directory or file of the machine. */
export type HostErrorCode =
  | "NOT_FOUND"
  | "NOT_A_DIRECTORY"
  | "NOT_A_FILE"
  | "UNREADABLE"
  | "NOT_UTF8"
  | "CHANGED"
  | "BAD_PATTERN"

/** An error about one path of the machine (or, for BAD_PATTERN, about one pattern). */
export class HostError extends Error {
  override name = "HostError"

  constructor(
    readonly code: HostErrorCode,
    readonly path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options)
  }
}

/** What the operating system said about `path`, as a HostError that names it. */
export function hostError(error: unknown, path: string): HostError {
  if (error instanceof HostError) return error
  const options = { cause: error }
  switch (errno(error)) {
    case "ENOENT":
      return new HostError("NOT_FOUND", path, `stat ${path}: no such file or directory`, options)
    case "ENOTDIR":
      return new HostError("NOT_A_DIRECTORY", path, `${path}: not a directory`, options)
    case "EACCES":
    case "EPERM":
      return new HostError("UNREADABLE", path, `${path}: permission denied`, options)
    default: {
      const reason = error instanceof Error ? error.message : String(error)
      return new HostError("UNREADABLE", path, `${path}: cannot be read: ${reason}`, options)
    }
  }
}

/** The error of a file that is not what it was when its directory was read. */
export const changed = (file: string, cause?: unknown): HostError =>
  new HostError("CHANGED", file, `${file}: changed while it was being read`, { cause })

/** The code of a system error. */
export const errno = (error: unknown): string | undefined =>
  (error as NodeJS.ErrnoException | undefined)?.code
