import { execFileSync, spawnSync } from "node:child_process"
import { generateKeyPairSync } from "node:crypto"
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import path from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { TYPES } from "../../ci/src/pipeline/attach.ts"
import { DockerRegistry, hasDockerRegistry } from "../contract/servers/dockerRegistry.ts"
import { hasSigstore, sigstoreTools, startSigstore } from "../sigstore/sigstore.ts"
import { trustConfig } from "../sigstore/trust.ts"
import { documents, run as registryProgram } from "../unit/registry/program.ts"
import { cosign, hasCosign } from "./cosign.ts"
import { folder, lastLine, pyline } from "./pyline.ts"

// Needs a real registry, Debian's docker-registry; and, for what is signed in the end, a real Sigstore: test/sigstore/tools.mts.

const BEARER = "bearer-of-the-job-5b1c"
let registry: DockerRegistry
let source: string
let home: string
const app = () => `${registry.host}/team/quiet`

const publish = (env: NodeJS.ProcessEnv, ...args: string[]) =>
  pyline(["publish", "--source", source, "--registry", app(), "--skip-checks", ...args], { env })

/** What an image is under for others; the name under which it was uploaded stays in registries that forget none. */
const tags = async () => {
  const answer = await fetch(`http://${registry.host}/v2/team/quiet/tags/list`)
  const { tags = [] } = (await answer.json()) as { tags?: string[] }
  return tags.filter((tag) => tag !== "pyline-upload")
}

/** A token of the right form, in which nobody believes. */
function unsigned(seconds = 600): string {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: "https://nobody.test", aud: "sigstore", sub: "me", iat: now - 1200 }
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url")
  return `${part({ alg: "RS256" })}.${part({ ...claims, exp: now + seconds })}.c2lnbmF0dXJl`
}

/** The configuration of a Sigstore at an address. */
function configuration(url: string): string {
  const certificate = path.join(home, "certificate.pem")
  const request = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
  const subject = ["-subj", "/CN=nobody", "-keyout", path.join(home, "key.pem")]
  execFileSync("openssl", [...request, ...subject, "-out", certificate], { stdio: "pipe" })
  const chain = readFileSync(certificate, "utf8")
  const log = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey
  const config = trustConfig({
    issuer: url,
    fulcio: { url, chain },
    ctlog: { url, key: log },
    rekor: { url, key: generateKeyPairSync("ed25519").publicKey },
    timestamps: { url, chain },
  })
  const file = path.join(home, "sigstore.json")
  writeFileSync(file, JSON.stringify(config))
  return file
}

async function serve(answer: Parameters<typeof createServer>[1]): Promise<[string, Server]> {
  const server = createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return [`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server]
}

describe.skipIf(!hasDockerRegistry)("without a key", () => {
  beforeAll(async () => {
    registry = await DockerRegistry.start()
    source = folder()
    home = folder()
    const files = {
      "quiet/__main__.py": `print("open ${path.basename(source)}")\n`,
      "pyproject.toml": `[project]
name = "quiet"
version = "1.0.0"
requires-python = ">=3.13"

[tool.pyline]
start = "python -m quiet"
`,
    }
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(path.dirname(path.join(source, name)), { recursive: true })
      writeFileSync(path.join(source, name), text)
    }
  })
  afterAll(() => registry?.remove())

  test("half of what says who signs is a request that cannot be done, and so is a key beside it", async () => {
    const half = await publish({ BEARER }, "--signing-identity-token=env:BEARER")
    expect(half.exitCode, half.all).toBe(2)
    expect(half.stderr).toContain("error[USAGE]: nothing says who signs")
    const both = await publish(
      { BEARER, KEY: "a key" },
      ...["--signing-identity=env:BEARER", "--signing-key=env:KEY"],
    )
    expect(both.exitCode, both.all).toBe(2)
    expect(both.stderr).toContain("error[USAGE]: a key and an identity were given to sign with")
  })

  test("what is no identity, or was one, is refused; no tag is put", async () => {
    const none = await publish(
      { TOKEN: "quite-no-identity" },
      ...["--signing-identity=env:TOKEN", `--sigstore=${configuration("http://127.0.0.1:1")}`],
    )
    expect(none.exitCode, none.all).toBe(2)
    expect(none.stderr).toContain(
      "error[IDENTITY_REFUSED]: nothing was signed: the identity of this run is refused: it is no token of OpenID Connect\n",
    )
    expect(none.all).not.toContain("quite-no-identity")
    const old = await publish(
      { TOKEN: unsigned(-60) },
      ...["--signing-identity=env:TOKEN", `--sigstore=${path.join(home, "sigstore.json")}`],
    )
    expect(old.exitCode, old.all).toBe(2)
    expect(old.stderr).toContain("error[IDENTITY_REFUSED]")
    expect(await tags()).toEqual([])
  })

  test("what the CI host, and what Sigstore says against an identity is repeated, and nothing secret is", async () => {
    const [url, server] = await serve((incoming, response) => {
      const json = (status: number, body: object) =>
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
      incoming.resume()
      const { authorization } = incoming.headers
      if (incoming.url === "/api/v2/signingCert")
        return json(401, { code: 16, message: `no issuer\nof that\x1b[2J name: ${authorization}` })
      if (incoming.url !== "/issue?job=1&audience=sigstore") return json(404, {})
      if (authorization !== `bearer ${BEARER}`)
        return json(401, { errors: [{ description: `not ${authorization}` }] })
      json(200, { value: unsigned() })
    })
    try {
      const asked = (bearer: string) =>
        publish(
          { BEARER: bearer, ISSUE: `${url}/issue?job=1` },
          ...["--signing-identity-url=env:ISSUE", "--signing-identity-token=env:BEARER"],
          `--sigstore=${configuration(url)}`,
        )
      const host = await asked("of-another-job")
      expect(host.exitCode, host.all).toBe(2)
      expect(host.stderr).toContain(
        "error[IDENTITY_REFUSED]: nothing was signed: the identity of this run is refused: the CI host gives no identity: 401 (not bearer ***)\n",
      )
      expect(host.all).not.toContain("of-another-job")
      const authority = await asked(BEARER)
      expect(authority.exitCode, authority.all).toBe(2)
      expect(authority.stderr).toContain(
        `is refused: ${new URL(url).host} does not take it: 401 no issuer of that\ufffd[2J name: Bearer ***\n`,
      )
      expect(authority.all).not.toMatch(/bearer-of-the-job|c2lnbmF0dXJl|eyJ/)
    } finally {
      server.close()
      server.closeAllConnections()
    }
    expect(await tags()).toEqual([])
  })

  test("a Sigstore that is away is asked again, and is an error of the network", async () => {
    const run = await publish(
      { TOKEN: unsigned() },
      ...["--signing-identity=env:TOKEN", `--sigstore=${configuration("http://127.0.0.1:1")}`],
    )
    expect(run.exitCode, run.all).toBe(3)
    expect(run.all).toContain("127.0.0.1:1 cannot be reached: ")
    expect(run.all).toContain(": trying again in 2 s")
    expect(run.stderr).toMatch(
      /error\[SIGNING_FAILED\]: Sigstore failed: 127\.0\.0\.1:1 cannot be reached: .*refused/,
    )
    expect(await tags()).toEqual([])
  })

  test("a configuration that is none is named", async () => {
    const file = path.join(home, "none.json")
    writeFileSync(file, "{}")
    const run = await publish(
      { TOKEN: unsigned() },
      ...["--signing-identity=env:TOKEN", `--sigstore=${file}`],
    )
    expect(run.exitCode, run.all).toBe(2)
    expect(run.stderr).toContain("error[SIGSTORE_INVALID]: it is no client trust configuration: ")
  })

  describe.skipIf(!hasSigstore)("with a Sigstore", () => {
    const main = "https://github.com/me/app/.github/workflows/ci.yml@refs/heads/main"
    let sigstore: Awaited<ReturnType<typeof startSigstore>>
    let config: string
    let env: NodeJS.ProcessEnv
    const github = ["--signing-identity-url=env:ISSUE", "--signing-identity-token=env:BEARER"]

    beforeAll(async () => {
      sigstore = await startSigstore(sigstoreTools)
      config = path.join(home, "real.json")
      writeFileSync(config, sigstore.trustConfig)
      env = { BEARER: sigstore.tokenBearer, ISSUE: sigstore.tokenUrl }
    })
    afterAll(() => sigstore?.stop())

    const verify = (identity: string, issuer = sigstore.issuer) =>
      pyline([
        ...["verify", "--image", `${app()}:1.0.0`, "--identity", identity],
        ...["--issuer", issuer, "--sigstore", config],
      ])

    test("an image is signed by a job and verified by who that is", async () => {
      const run = await publish(env, ...github, `--sigstore=${config}`)
      expect(run.exitCode, run.all).toBe(0)
      expect(run.all).toContain(`signed by ${main}, for whom ${sigstore.issuer} vouches`)
      expect(run.all).not.toContain(sigstore.tokenBearer)
      const digest = /sha256:\w+$/.exec(lastLine(run.stdout))?.[0]
      for (const identity of [main, "https://github.com/me/app/*@refs/heads/*"]) {
        const verified = await verify(identity)
        expect(verified.exitCode, verified.all).toBe(0)
        expect(verified.stdout).toContain(
          `${app()}@${digest}\nsigned by ${main}, for whom ${sigstore.issuer} vouches\nmade `,
        )
      }
    })

    test.skipIf(!hasCosign)("cosign verifies both", () => {
      const root = path.join(home, "root.json")
      writeFileSync(root, JSON.stringify(JSON.parse(sigstore.trustConfig).trustedRoot))
      const who = ["--certificate-identity", main, "--certificate-oidc-issuer", sigstore.issuer]
      const how = ["--trusted-root", root, "--allow-http-registry", ...who]
      for (const command of [["verify"], ["verify-attestation", "--type=slsaprovenance1"]]) {
        const args = [...command, ...how, `${app()}:1.0.0`]
        const { status, stderr } = spawnSync(cosign, args, { encoding: "utf8" })
        expect(status, stderr).toBe(0)
      }
    })

    test("other identities, other issuers and keys do not count", async () => {
      for (const identity of [
        "https://github.com/me/other/*",
        "https://github.com/me/app",
        main.replaceAll(".", "?"),
      ]) {
        const refused = await verify(identity)
        expect(refused.exitCode, refused.all).toBe(1)
        expect(refused.stderr).toContain("error[SIGNATURE_MISSING]")
        expect(refused.stderr).toContain(`A signature does not count: it was signed by ${main}.`)
      }
      const issuer = await verify(main, "https://token.actions.githubusercontent.com")
      expect(issuer.exitCode, issuer.all).toBe(1)
      expect(issuer.stderr).toContain(`${sigstore.issuer} vouches for who signed it`)
      const key = path.resolve(import.meta.dirname, "../data/cosign/cosign.pub")
      const keyed = await pyline(["verify", "--image", `${app()}:1.0.0`, "--key", key])
      expect(keyed.exitCode, keyed.all).toBe(1)
    })

    test.skipIf(!hasCosign)("what strangers attach neither counts nor is in the way", async () => {
      writeFileSync(path.join(source, "quiet/other.py"), "")
      const run = await publish({}, "--tags=stranger")
      expect(run.exitCode, run.all).toBe(0)
      const image = `${app()}@${/sha256:\w+$/.exec(lastLine(run.stdout))?.[0]}`
      const signing = path.join(home, "signing.json")
      const root = path.join(home, "trusted.json")
      const { signingConfig, trustedRoot } = JSON.parse(sigstore.trustConfig)
      writeFileSync(signing, JSON.stringify(signingConfig))
      writeFileSync(root, JSON.stringify(trustedRoot))
      const sign = (command: string[], claims = {}) => {
        const how = ["--signing-config", signing, "--trusted-root", root]
        const token = ["--identity-token", sigstore.identityToken(claims)]
        const args = [...command, "--yes", ...how, ...token]
        const { status, stderr } = spawnSync(cosign, args, { encoding: "utf8" })
        expect(status, stderr).toBe(0)
      }
      // Who may make branches, who is called nearly so, and a scan of the right one.
      const branch = "me/app/.github/workflows/ci.yml@refs/heads/x@refs/heads/main"
      const other = "me-too/app/.github/workflows/ci.yml@refs/heads/main"
      sign(["sign", "--allow-http-registry", image], { job_workflow_ref: branch })
      sign(["sign", "--allow-http-registry", image], { job_workflow_ref: other })
      const statement = path.join(home, "statement.json")
      const sha256 = image.slice(-64)
      const said = {
        _type: "https://in-toto.io/Statement/v1",
        predicateType: "https://scan.test/v1",
      }
      const subject = [{ name: app(), digest: { sha256 } }]
      writeFileSync(
        statement,
        JSON.stringify({ ...said, subject, predicate: { found: "nothing" } }),
      )
      const scan = path.join(home, "scan.json")
      sign(["attest-blob", "--statement", statement, "--bundle", scan])
      // What is signed of another image, and what is nothing.
      const out = folder()
      await registryProgram(["referrers", `${app()}:1.0.0`, out, "--type", TYPES.bundle])
      const stolen = readdirSync(out).map((name) => readFileSync(path.join(out, name), "utf8"))
      expect(stolen).toHaveLength(2)
      const nothing = ["{", '{"a":'.repeat(100_000), `[${"[],".repeat(2_000_000)}[]]`]
      const list = [...stolen, readFileSync(scan, "utf8"), ...nothing].map((text) => ({
        type: TYPES.bundle,
        text,
      }))
      const attached = await registryProgram(["attach", image, documents(...list)])
      expect(attached.answer).toMatchObject({ ok: true })

      const verified = (identity: string) =>
        pyline([
          ...["verify", "--image", image, "--identity", identity],
          ...["--issuer", sigstore.issuer, "--sigstore", config],
        ])
      const patterns = ["https://github.com/me/*@refs/heads/main", main]
      for (const identity of patterns) {
        const refused = await verified(identity)
        expect(refused.exitCode, refused.all).toBe(1)
        const why = refused.stderr.match(/(?<=A signature does not count: ).*(?=\.\n)/g)
        expect(why?.sort()).toEqual(
          [
            "it has more than 4 MiB",
            "it says https://scan.test/v1 of the image, and not that it is signed",
            "it speaks of another image",
            `it was signed by https://github.com/${other}`,
            `it was signed by https://github.com/${branch}`,
            "it was not signed by an identity",
          ].sort(),
        )
      }
      sign(["sign", "--allow-http-registry", image])
      const counts = await verified(patterns[0] ?? "")
      expect(counts.exitCode, counts.all).toBe(0)
      expect(counts.stdout).toBe(
        `${image}\nsigned by ${main}, for whom ${sigstore.issuer} vouches\nno provenance is signed with it\n`,
      )
    })

    test("what another Sigstore has signed does not count", async () => {
      await using other = await startSigstore(sigstoreTools)
      writeFileSync(path.join(home, "other.json"), other.trustConfig)
      const refused = await pyline([
        ...["verify", "--image", `${app()}:1.0.0`, "--identity", main, "--issuer"],
        ...[sigstore.issuer, "--sigstore", path.join(home, "other.json")],
      ])
      expect(refused.exitCode, refused.all).toBe(1)
      expect(refused.stderr).toContain("error[SIGNATURE_MISSING]")
    })

    test("without a timestamp, and with its log away, nothing is signed", async () => {
      for (const [service, why] of [
        ["timestamps", "gives no timestamp"],
        ["rekor", "cannot be reached: "],
      ] as const) {
        await sigstore.end(service)
        const run = await publish(env, "--tags=later", ...github, `--sigstore=${config}`)
        expect(run.exitCode, run.all).toBe(3)
        expect(run.stderr).toMatch(
          new RegExp(`error\\[SIGNING_FAILED\\]: Sigstore failed: \\S+ ${why}`),
        )
      }
      expect(await tags()).not.toContain("later")
    })
  })
})
