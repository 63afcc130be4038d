import { appendFileSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { $ } from "zx"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import { stepsOf } from "../docs/tutorial.ts"
import { dockerTools, Host } from "../e2e/docker/host.ts"
import { proxyImage } from "../e2e/docker/images.ts"
import { root } from "./checkout.ts"
import { bare, ending, folder, pyline } from "./host.ts"

// Follows docs/tutorial.md from its first line to its last, on two docker hosts of its own.

const found = hasDockerRegistry ? dockerTools() : { why: "there is no docker-registry" }
const tools = "tools" in found ? found.tools : ""
const why = "why" in found ? ` (skipped: ${found.why})` : ""

/** What `curl` has to get, each time that the page asks. */
const ANSWERS = [
  "hello\n",
  "hello again\n",
  "hello again\n",
  "hello again\n",
  "hello\n",
  "hello again\n",
]

describe.skipIf(why !== "")(`the tutorial${why}`, () => {
  let registry: DockerRegistry
  let staging: Host
  let production: Host
  beforeAll(async () => {
    registry = await DockerRegistry.start({ login: true })
    staging = await Host.start(tools, registry.host)
    production = await Host.start(tools, registry.host)
    for (const host of [staging, production]) await proxyImage(host, tools, "caddy:2")
  })
  afterAll(async () => {
    await staging?.remove()
    await production?.remove()
    await registry?.remove()
  })

  /** A text of the page with the names of this machine. */
  function here(text: string): string {
    const hosts: [string, Host][] = [
      ["staging.example.com", staging],
      ["www.example.com", production],
    ]
    let said = text
      .replaceAll("ghcr.io/me/shop", `${registry.host}/me/shop`)
      .replaceAll("--username me", `--username ${LOGIN.username}`)
      // Not what is tested, and it would be waited for often.
      .replaceAll("health-timeout = 20", "health-timeout = 5\ndrain = 1")
    for (const [name, host] of hosts)
      said = said
        .replaceAll(`ssh://deploy@${name}`, host.url)
        .replaceAll(`http://${name}:8080`, `http://127.0.0.1:${host.webPort}`)
    return said
  }

  /** The two commands that need a password or other ports than those of the page. */
  async function onHosts(command: string, home: string): Promise<boolean> {
    if (command.startsWith("ssh-copy-id ")) {
      const host = command.endsWith("staging.example.com") ? staging : production
      const key = readFileSync(path.join(home, ".ssh/shop.pub"), "utf8")
      appendFileSync(path.join(host.folder, "authorized_keys"), key)
    } else if (command.startsWith("ssh-keyscan ")) {
      const scans = [staging, production].map(({ sshPort }) =>
        $`ssh-keyscan -p ${sshPort} 127.0.0.1`.quiet(),
      )
      const lines = (await Promise.all(scans)).map(({ stdout }) => stdout)
      writeFileSync(path.join(home, ".ssh/shop_hosts"), lines.join(""))
    } else return false
    return true
  }

  test("every step does what the page says", async () => {
    const home = folder()
    const bin = path.join(home, "bin")
    mkdirSync(bin)
    symlinkSync(path.join(root, "pyline"), path.join(bin, "pyline"))
    const who = { GIT_AUTHOR_NAME: "me", GIT_AUTHOR_EMAIL: "me@example.com" }
    const env = bare({
      ...{ HOME: home, PATH: `${bin}:${process.env.PATH}`, TOKEN: LOGIN.password },
      ...{ ...who, GIT_COMMITTER_NAME: "me", GIT_COMMITTER_EMAIL: "me@example.com" },
      ...{ no_proxy: "127.0.0.1", NO_PROXY: "127.0.0.1" },
    })
    let cwd = home
    const answers: string[] = []
    for (const step of stepsOf(readFileSync(path.join(root, "docs/tutorial.md"), "utf8"))) {
      if ("file" in step) {
        writeFileSync(path.join(cwd, step.file), here(step.text))
        continue
      }
      const { command, exits, line } = step
      if (await onHosts(command, home)) continue
      // The address of this checkout is not one that GitHub could take.
      const from = command.startsWith("pyline init") ? ` --from ${pyline.from}` : ""
      const run = await $({ cwd, env, ...ending })`bash -c ${here(command) + from}`
      expect(run.exitCode, `docs/tutorial.md:${line}: ${command}\n${run.stderr}${run.stdout}`).toBe(
        exits,
      )
      if (command.startsWith("curl ")) answers.push(run.stdout)
      cwd = path.join(cwd, / && cd (\S+)$/.exec(command)?.[1] ?? "")
    }
    expect(answers).toEqual(ANSWERS)
    const workflow = readFileSync(path.join(cwd, ".github/workflows/pyline.yml"), "utf8")
    expect(workflow).toContain("verb: release")
    expect(workflow).toContain("--ssh-key=env:SSH_KEY")
  }, 900_000)
})
