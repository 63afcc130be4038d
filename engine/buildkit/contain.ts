/**
 * Process containment. A daemon that is killed with SIGKILL cannot clean up, so everything below it
 * is arranged such that the kernel does:
 *
 * - the first child asks for SIGKILL when its parent dies (PR_SET_PDEATHSIG), and checks after
 *   asking that the parent has not died before;
 * - BuildKit is the first process of its own pid namespace, so that its end is the end of every
 *   container, and has its own mount namespace, so that no mount outlives it.
 */

/** The command line that runs `command` and kills it when this process dies. */
export function diesWithUs(command: string[]): [string, ...string[]] {
  const parentStillThere = '[ "$PPID" = "$0" ] || exit 1; exec "$@"'
  return [
    "setpriv",
    "--pdeathsig",
    "KILL",
    "sh",
    "-c",
    parentStillThere,
    String(process.pid),
    ...command,
  ]
}

/**
 * The command line that runs `command` in pid and mount namespaces of its own. Its scratch
 * directories are a tmpfs there: nobody else sees what is in them, and it is gone with the namespace.
 */
export function inNamespaces(command: string[], scratch: string[]): string[] {
  const mounts =
    'set -e; n=$0; while [ "$n" -gt 0 ]; do mkdir -p "$1"; mount -t tmpfs -o mode=0700 pyline "$1"; shift; n=$((n - 1)); done; exec "$@"'
  return [
    "unshare",
    "--mount",
    "--pid",
    "--fork",
    "--kill-child=KILL",
    "--mount-proc",
    "sh",
    "-c",
    mounts,
    String(scratch.length),
    ...scratch,
    ...command,
  ]
}
