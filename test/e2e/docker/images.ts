import { execFileSync } from "node:child_process"
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import path from "node:path"
import type { Host } from "./host.ts"

// Images out of this machine's own programs, as no registry of images can be asked.

/** Puts a program and the libraries that it needs where an image's root is. */
function put(root: string, program: string, as: string): void {
  const said = execFileSync("ldd", [program], { encoding: "utf8" })
  const libraries = [...said.matchAll(/(\/\S+) \(0x/g)].map((match) => match[1] ?? "")
  for (const [from, to] of [[program, as], ...libraries.map((each) => [each, each])] as [
    string,
    string,
  ][]) {
    mkdirSync(path.join(root, path.dirname(to)), { recursive: true })
    copyFileSync(from, path.join(root, to))
  }
}

async function made(
  host: Host,
  name: string,
  fill: (root: string) => void,
  changes: string[],
): Promise<void> {
  const root = mkdtempSync(path.join(tmpdir(), "pyline-root-"))
  try {
    mkdirSync(path.join(root, "tmp"))
    fill(root)
    const tar = path.join(host.folder, "root.tar")
    execFileSync("tar", ["-C", root, "-cf", tar, "."])
    await host.run("docker", "import", ...changes.flatMap((each) => ["--change", each]), tar, name)
    rmSync(tar)
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

/** The proxy of the targets, from Debian's package. */
export function proxyImage(host: Host, tools: string, name: string): Promise<void> {
  const caddy = path.join(tools, "usr/bin/caddy")
  return made(host, name, (root) => put(root, caddy, "/usr/bin/caddy"), [])
}

/** Python, for the application. */
export function pythonImage(host: Host, name: string): Promise<void> {
  const ask = "import sys, sysconfig; print(sys.executable); print(sysconfig.get_path('stdlib'))"
  const lines = execFileSync("/usr/bin/python3", ["-c", ask], { encoding: "utf8" }).split("\n")
  const [python = "", library = ""] = lines
  const without =
    /\/(test|idlelib|lib2to3|ensurepip|__pycache__|config-[^/]*|tkinter|unittest)(\/|$)/
  const fill = (root: string) => {
    put(root, python, "/usr/bin/python3")
    cpSync(library, path.join(root, library), {
      recursive: true,
      filter: (each) => !without.test(each.slice(library.length)),
    })
  }
  return made(host, name, fill, ["ENV PYTHONDONTWRITEBYTECODE=1"])
}

/** A version of the application in the registry; its reference by digest. */
export async function publish(
  host: Host,
  base: string,
  repository: string,
  says: { version: string; [what: string]: unknown },
  created: string,
): Promise<string> {
  const folder = path.join(host.folder, "build")
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  copyFileSync(path.join(import.meta.dirname, "app.py"), path.join(folder, "app.py"))
  writeFileSync(path.join(folder, "version.json"), JSON.stringify(says))
  const release = JSON.stringify(JSON.stringify(["/usr/bin/python3", "/app/app.py", "migrate"]))
  const lines = [
    `FROM ${base}`,
    "COPY . /app",
    `LABEL org.opencontainers.image.created=${created}`,
    `LABEL pyline.release=${release}`,
    "EXPOSE 8000",
    // An image may say itself whether it is well.
    ...(says.checked === true
      ? [`HEALTHCHECK CMD ["/usr/bin/python3", "/app/app.py", "well"]`]
      : []),
    `CMD ${JSON.stringify(says.command ?? ["/usr/bin/python3", "/app/app.py"])}`,
  ]
  writeFileSync(path.join(folder, "Dockerfile"), lines.join("\n"))
  const name = `${repository}:${says.version}`
  await host.run("docker", "build", "-q", "-t", name, folder)
  const said = await host.run("docker", "--config", host.login, "push", name)
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(said)?.[1]
  if (digest === undefined) throw new Error(`docker push: ${said}`)
  // As on a machine that has never seen it.
  await host.run("docker", "image", "rm", name)
  return `${repository}@${digest}`
}
