import { expect, test } from "vitest"
import type { Plan } from "../../../ci/src/project/plan.ts"
import { provenance, signature } from "../../../ci/src/project/provenance.ts"
import { releaseOf } from "../../../ci/src/project/release.ts"
import { VERSION } from "../../../ci/src/version.ts"
import own from "../../../package.json" with { type: "json" }

const digest = `sha256:${"ab".repeat(32)}`
const commit = "0123456789abcdef0123456789abcdef01234567"
const plan = {
  schema: 1,
  python: "3.13",
  dependencies: { kind: "pip", requirements: "x".repeat(500) },
} as Plan

const making = {
  ...{ name: "ghcr.io/me/app", digest, plan, tags: ["1.0"], platforms: ["linux/amd64"] },
  base: `docker.io/library/python:3.13-slim@sha256:${"cd".repeat(32)}`,
  tools: { uv: "1.2.3" },
}
const run = {
  invocation: "one",
  started: "2026-01-01T00:00:00.000Z",
  finished: "2026-01-01T00:01:00.000Z",
}

test("the version that documents name is that of the package", () => {
  expect(VERSION).toBe(own.version)
})

test("provenance is a SLSA statement of the image, its commit and its base", () => {
  const made = provenance(
    { ...making, revision: commit, repository: "https://git.test/me/app", branch: "main" },
    run,
  )
  expect(made).toMatchInlineSnapshot(`
    {
      "_type": "https://in-toto.io/Statement/v1",
      "predicate": {
        "buildDefinition": {
          "buildType": "urn:pyline:build:publish:v1",
          "externalParameters": {
            "platforms": [
              "linux/amd64",
            ],
            "registry": "ghcr.io/me/app",
            "source": {
              "branch": "main",
              "repository": "https://git.test/me/app",
              "revision": "0123456789abcdef0123456789abcdef01234567",
            },
            "tags": [
              "1.0",
            ],
          },
          "internalParameters": {
            "plan": {
              "dependencies": {
                "kind": "pip",
                "requirements": "sha256:c38c2bf3055c516a98ac5d97f30e7c364e827bc0199e1c3415b794afbe55dcad",
              },
              "python": "3.13",
              "schema": 1,
            },
          },
          "resolvedDependencies": [
            {
              "digest": {
                "gitCommit": "0123456789abcdef0123456789abcdef01234567",
              },
              "uri": "git+https://git.test/me/app@0123456789abcdef0123456789abcdef01234567",
            },
            {
              "digest": {
                "sha256": "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd",
              },
              "uri": "oci://docker.io/library/python:3.13-slim",
            },
            {
              "uri": "pkg:pypi/uv@1.2.3",
            },
          ],
        },
        "runDetails": {
          "builder": {
            "id": "urn:pyline:builder:self-run",
            "version": {
              "pyline": "0.1.0",
            },
          },
          "metadata": {
            "finishedOn": "2026-01-01T00:01:00.000Z",
            "invocationId": "one",
            "startedOn": "2026-01-01T00:00:00.000Z",
          },
        },
      },
      "predicateType": "https://slsa.dev/provenance/v1",
      "subject": [
        {
          "digest": {
            "sha256": "abababababababababababababababababababababababababababababababab",
          },
          "name": "ghcr.io/me/app",
        },
      ],
    }
  `)
})

test("a commit that is not clean is named, but is no digest of the source", () => {
  const { predicate } = provenance({ ...making, revision: `${commit}-dirty` }, run)
  const { buildDefinition } = predicate as { buildDefinition: Record<string, unknown> }
  expect(buildDefinition.externalParameters).toMatchObject({
    source: { revision: `${commit}-dirty` },
  })
  expect(JSON.stringify(buildDefinition.resolvedDependencies)).not.toContain(commit)
})

test("what is signed is the digest", () => {
  expect(signature(making)).toEqual({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "ghcr.io/me/app", digest: { sha256: "ab".repeat(32) } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
  })
})

test("release.json has digests in place of whole locks", () => {
  const release = releaseOf({
    ...{ name: "ghcr.io/me/app", digest, tags: { move: [], stay: [], keep: [] }, platforms: [] },
    ...{ checks: [], checksSkipped: false, plan, time: run.finished },
  })
  expect(release.plan.dependencies).toEqual({
    kind: "pip",
    requirements: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
  })
})
