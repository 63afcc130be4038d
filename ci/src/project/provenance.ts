import { VERSION } from "../version.ts"
import type { Plan } from "./plan.ts"
import { recorded } from "./release.ts"

/** An in-toto statement, version 1. */
export interface Statement {
  _type: "https://in-toto.io/Statement/v1"
  subject: { name: string; digest: { sha256: string } }[]
  predicateType: string
  predicate: unknown
}

/** What of a run is told of in its provenance. Times in RFC 3339. */
export interface Run {
  invocation: string
  started: string
  finished: string
}

/** Where an image comes from and how it was made. */
export interface Making {
  name: string
  digest: string
  plan: Plan
  tags: readonly string[]
  platforms: readonly string[]
  /** The base image with its digest: `docker.io/library/python:3.13-slim@sha256:…`. */
  base: string
  tools: Readonly<Record<string, string>>
  revision?: string | undefined
  repository?: string | undefined
  branch?: string | undefined
}

export const PROVENANCE = "https://slsa.dev/provenance/v1"
/** That it is signed, and nothing more: as cosign says it. */
export const SIGNED = "https://sigstore.dev/cosign/sign/v1"

/** Names of what this describes; docs/sbom-and-signing.md says what they stand for. */
const BUILD_TYPE = "urn:pyline:build:publish:v1"
const BUILDER = "urn:pyline:builder:self-run"

const statement = (
  { name, digest }: { name: string; digest: string },
  predicateType: string,
  predicate: unknown,
): Statement => ({
  _type: "https://in-toto.io/Statement/v1",
  subject: [{ name, digest: { sha256: digest.replace("sha256:", "") } }],
  predicateType,
  predicate,
})

/** What `cosign sign` signs: that the image is the one with this digest, and nothing more. */
export const signature = (image: { name: string; digest: string }): Statement =>
  statement(image, SIGNED, {})

/**
 * SLSA provenance, version 1. Level 1: it is there and it is complete; whoever can run the pipeline could write another
 * one, so it claims no more.
 */
export function provenance(making: Making, run: Run): Statement {
  const { plan, tags, platforms, base, tools, revision, repository, branch } = making
  const [baseName = "", baseDigest = ""] = base.split("@sha256:")
  const commit = /^[0-9a-f]{40,64}$/.test(revision ?? "") ? revision : undefined
  const git = repository === undefined ? undefined : `git+${repository}`
  return statement(making, PROVENANCE, {
    buildDefinition: {
      buildType: BUILD_TYPE,
      externalParameters: {
        source: defined({ repository, revision, branch }),
        registry: making.name,
        tags,
        platforms,
      },
      internalParameters: { plan: recorded(plan) },
      resolvedDependencies: [
        ...(git === undefined && commit === undefined
          ? []
          : [
              {
                uri:
                  git === undefined ? "git" : `${git}${commit === undefined ? "" : `@${commit}`}`,
                ...(commit === undefined ? {} : { digest: { gitCommit: commit } }),
              },
            ]),
        {
          uri: `oci://${baseName}`,
          ...(baseDigest === "" ? {} : { digest: { sha256: baseDigest } }),
        },
        ...Object.entries(tools).map(([tool, version]) => ({ uri: `pkg:pypi/${tool}@${version}` })),
      ],
    },
    runDetails: {
      builder: { id: BUILDER, version: { pyline: VERSION } },
      metadata: {
        invocationId: run.invocation,
        startedOn: run.started,
        finishedOn: run.finished,
      },
    },
  })
}

const defined = (values: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  )
