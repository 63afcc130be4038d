import { execFileSync } from "node:child_process"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { DockerRegistry, hasDockerRegistry, LOGIN } from "../contract/servers/dockerRegistry.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// From the source to production with a real registry. What deploys is the project's own program, which tells a server
// on loopback what to run: the driver and the ledger are the same for every target.

const env = { REGISTRY_PASSWORD: LOGIN.password, DEPLOY_TOKEN: "token of the servers" }
const login = ["--username", LOGIN.username, "--password=env:REGISTRY_PASSWORD"]

/** Where something runs: it is told what, and answers as that. */
class Host {
  running = ""
  status = 200
  says = "fine"
  /** Seconds that a deployment takes. */
  slow = 0
  readonly #server = createServer((request, response) => {
    if (request.method !== "PUT") {
      const body = request.url === "/digest" ? this.running : this.says
      response.writeHead(request.url === "/healthz" ? this.status : 200).end(body)
      return
    }
    let body = ""
    request.on("data", (data) => {
      body += data
    })
    request.on("end", () => {
      const allowed = request.headers.authorization === env.DEPLOY_TOKEN
      setTimeout(() => {
        if (allowed) this.running = body
        response.writeHead(allowed ? 204 : 401).end()
      }, this.slow * 1000)
    })
  })

  async open(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve))
    return this
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }
}

const DEPLOY = `import os, sys, urllib.request

with open(os.environ["PYLINE_TOKEN_FILE"]) as file:
    headers = {"Authorization": file.read()}
body = os.environ["PYLINE_DIGEST"].encode()
request = urllib.request.Request(sys.argv[1], data=body, headers=headers, method="PUT")
urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request)
print("told", os.environ["PYLINE_ENVIRONMENT"], "to run", os.environ["PYLINE_IMAGE"])
`
const ACCEPTANCE = `import os, urllib.request


def test_what_runs_is_what_is_validated():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(os.environ["PYLINE_URL"] + "/digest") as answer:
        assert answer.read().decode() == os.environ["PYLINE_DIGEST"]


def test_it_is_fine():
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(os.environ["PYLINE_URL"]) as answer:
        assert answer.read() != b"fine enough for the others"
`

let registry: DockerRegistry
let staging: Host
let production: Host
let source: string
let commits = 0
const outputs: string[] = []

const git = (...args: string[]) => {
  const date = `2026-03-${String(10 + commits).padStart(2, "0")}T12:00:00Z`
  const dates = { GIT_COMMITTER_DATE: date, GIT_AUTHOR_DATE: date }
  const who = ["-c", "user.name=a", "-c", "user.email=a@b.test"]
  return execFileSync("git", ["-C", source, ...who, ...args], {
    encoding: "utf8",
    env: { ...process.env, ...dates },
  }).trim()
}

/** Another version of the project, in a commit of a later day. */
function commit(): void {
  commits++
  writeFileSync(path.join(source, "shop/__main__.py"), `print("${commits} ${source}")\n`)
  git("add", "-A")
  git("commit", "-q", "-m", "change")
}

async function run(...args: string[]) {
  const done = await pyline([...args, "--source", source, "--by=ada", ...login], { env })
  outputs.push(done.all)
  return done
}
const change = (...args: string[]) => run(...args, "--token=env:DEPLOY_TOKEN")
const release = () => change("release", "--skip-checks")
const read = (...args: string[]) => pyline([...args, "--source", source, ...login], { env })

describe.skipIf(!hasDockerRegistry)("delivery (skipped without docker-registry)", () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start({ login: true })
    staging = await new Host().open()
    production = await new Host().open()
    source = folder()
    const files = {
      "shop/__main__.py": "",
      "tests/test_shop.py": "def test_two():\n    assert 1 + 1 == 2\n",
      "acceptance/test_running.py": ACCEPTANCE,
      "deploy.py": DEPLOY,
      "pyproject.toml": `[project]
name = "shop"
version = "1.0.0"
requires-python = ">=3.13"

[tool.pyline]
start = "python -m shop"

[tool.pyline.environments.staging]
target = "command"
registry = "${registry.host}/staging/shop"
deploy-command = ["python3", "deploy.py", "${staging.url}"]
digest-url = "${staging.url}/digest"
url = "${staging.url}"
validate = ["/healthz 200 contains \\"fine\\""]
validate-command = "python -m pytest acceptance"

[tool.pyline.environments.production]
target = "command"
registry = "${registry.host}/production/shop"
deploy-command = ["python3", "deploy.py", "${production.url}"]
digest-url = "${production.url}/digest"
url = "${production.url}"
health = "/healthz"
`,
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
      writeFileSync(path.join(source, name), text)
    }
    git("init", "-q", "-b", "main", ".")
  })
  afterAll(async () => {
    for (const host of [staging, production]) host?.close()
    await registry?.remove()
  })

  let first: string

  test("a release goes through all environments, as one digest", async () => {
    commit()
    const done = await release()
    expect(done.exitCode, done.all).toBe(0)
    first = staging.running
    expect(first).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(production.running).toBe(first)
    const [stagingImage, productionImage] = ["staging", "production"].map(
      (name) => `${registry.host}/${name}/shop@${first}`,
    )
    expect(done.stdout).toContain(`staging runs ${stagingImage}, verified by 3 checks`)
    expect(lastLine(done.stdout)).toBe(`production runs ${productionImage}, promoted from staging`)
  })

  test("what the validation says no to does not reach production", async () => {
    commit()
    staging.status = 503
    const done = await release()
    expect(done.exitCode, done.all).toBe(1)
    expect(done.stderr).toContain("error[VALIDATION_FAILED]: 1 of 2 checks of staging said no")
    expect(done.stderr).toContain("GET /healthz 200 contains 'fine': expected 200, got 503 (fine)")
    expect(staging.running).not.toBe(first)
    expect(production.running).toBe(first)
    const same = await release()
    expect(same.exitCode, same.all).toBe(1)
    expect(same.stderr).toContain("error[DIGEST_REJECTED]: the validation of staging said no to ")
    const refused = await change("promote", "staging", "production")
    expect(refused.exitCode, refused.all).toBe(1)
    expect(refused.stderr).toContain("error[NOT_VERIFIED]: ")
    expect(production.running).toBe(first)
  })

  test("what is verified then is promoted; where production says no, it goes back by itself", async () => {
    staging.status = 200
    staging.says = "fine enough for the others"
    const red = await run("validate", "staging")
    expect(red.exitCode, red.all).toBe(1)
    expect(red.stderr).toMatch(
      /error\[VALIDATION_FAILED\]: .*python -m pytest acceptance ended with exit status 1/,
    )
    expect(red.stderr).toContain("test_it_is_fine - ")
    staging.says = "fine"
    const settings = path.join(source, "pyproject.toml")
    const text = readFileSync(settings, "utf8")
    writeFileSync(settings, text.replace("python -m pytest", "no-such-program"))
    const errored = await run("validate", "staging")
    expect(errored.exitCode, errored.all).toBe(3)
    expect(errored.stderr).toContain("error[ACCEPTANCE_ERRORED]: staging: ")
    writeFileSync(settings, text)
    const verified = await run("validate", "staging")
    expect(verified.exitCode, verified.all).toBe(0)
    expect(lastLine(verified.stdout)).toBe(`staging: ${staging.running} is verified`)
    production.status = 500
    const undone = await change("promote", "staging", "production")
    expect(undone.exitCode, undone.all).toBe(1)
    expect(undone.stderr).toContain(`production runs ${first} again.`)
    expect(production.running).toBe(first)
    production.status = 200
    // Its cause is gone, but nobody has said so.
    const again = await change("promote", "staging", "production")
    expect(again.exitCode, again.all).toBe(1)
    expect(again.stderr).toContain("error[DIGEST_REJECTED]: the validation of production said no")
    expect(again.stderr).toContain("GET /healthz 200: expected 200, got 500")
    expect(production.running).toBe(first)
    const done = await change("promote", "--from", "staging", "--to", "production", "--again")
    expect(done.exitCode, done.all).toBe(0)
    expect(production.running).toBe(staging.running)
  })

  test("an older build does not replace a newer one, and promotion is not gone round", async () => {
    const older = await change("deploy", "staging", `${registry.host}/staging/shop@${first}`)
    expect(older.exitCode, older.all).toBe(1)
    expect(older.stderr).toContain("error[DEPLOY_OLDER]: ")
    const round = await change("deploy", "production", `${registry.host}/staging/shop@${first}`)
    expect(round.exitCode, round.all).toBe(2)
    expect(round.stderr).toContain(
      "error[PROMOTION_REFUSED]: images are not deployed to production",
    )
    expect(staging.running).not.toBe(first)
  })

  test("a rollback holds, and of two promotions at once one waits outside", async () => {
    const back = await change("rollback", "production")
    expect(back.exitCode, back.all).toBe(0)
    expect(back.stdout).toContain(`production runs ${registry.host}/production/shop@${first}\n`)
    expect(production.running).toBe(first)
    const held = await change("promote", "staging", "production")
    expect(held.exitCode, held.all).toBe(1)
    expect(held.stderr).toContain("error[ENVIRONMENT_HELD]: production is held since ")

    production.slow = 15
    const promote = () => change("promote", "staging", "production", "--end-hold")
    const both = await Promise.all([promote(), promote()])
    production.slow = 0
    const all = both.map((one) => one.all).join("\n---\n")
    expect(both.map(({ exitCode }) => exitCode).sort(), all).toEqual([0, 3])
    expect(all).toMatch(/error\[(?:ENVIRONMENT_LOCKED|LEDGER_RACED)\]: production: /)
    expect(production.running).toBe(staging.running)
  })

  test("status and history say all of it, and no secret is in anything that was said", async () => {
    const status = await read("status", "--format=json")
    expect(status.exitCode, status.all).toBe(0)
    expect(JSON.parse(status.stdout)).toMatchObject([
      { environment: "staging", running: { digest: staging.running }, drift: false },
      {
        environment: "production",
        running: {
          digest: staging.running,
          proof: `${production.url}/digest answers with the digest`,
        },
        deployed: { event: "promoted", source: { environment: "staging" }, by: "ada" },
        verdict: { event: "verified" },
        held: null,
      },
    ])
    const history = await read("history", "production")
    expect(history.exitCode, history.all).toBe(0)
    const events = history.stdout
      .trim()
      .split("\n")
      .map((line) => line.split(/ +/)[1])
    expect(events).toEqual([
      ...["verified", "promoted", "failed", "rolled-back"],
      ...["verified", "promoted", "failed", "rolled-back", "invalid", "promoted"],
      ...["verified", "promoted"],
    ])
    const said = [...outputs, status.all, history.all].join("\n")
    for (const secret of [env.DEPLOY_TOKEN, LOGIN.password]) expect(said).not.toContain(secret)
  })
})
