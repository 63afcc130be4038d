import { expect, test } from "vitest"
import { type EngineConfig, lookupImage, otherTags } from "../../../engine/setup/config.ts"
import { normaliseReference, registryOf } from "../../../engine/setup/reference.ts"

const digest = `sha256:${"0".repeat(64)}`

test.each([
  ["python", "docker.io/library/python:latest"],
  ["python:3.11-slim", "docker.io/library/python:3.11-slim"],
  ["docker.io/python:3.11-slim", "docker.io/library/python:3.11-slim"],
  ["index.docker.io/library/python", "docker.io/library/python:latest"],
  ["moby/buildkit:v0.26.2", "docker.io/moby/buildkit:v0.26.2"],
  ["ghcr.io/astral-sh/uv", "ghcr.io/astral-sh/uv:latest"],
  ["localhost/app", "localhost/app:latest"],
  ["localhost:5000/app:1", "localhost:5000/app:1"],
  [`python@${digest}`, `docker.io/library/python@${digest}`],
  [`python:3.13@${digest}`, `docker.io/library/python:3.13@${digest}`],
])("%s is %s", (ref, full) => {
  expect(normaliseReference(ref)).toBe(full)
  expect(normaliseReference(full)).toBe(full)
})

test("the registry of a reference", () => {
  expect(["python", "ghcr.io/a/b", "localhost:5000/a"].map(registryOf)).toEqual([
    "docker.io",
    "ghcr.io",
    "localhost:5000",
  ])
})

test("substitutes are found whichever way either side writes the reference", () => {
  const layout = { ociLayout: "/images/a", digest }
  const config = {
    images: { "python:3.11-slim": layout, "docker.io/library/redis": { ref: "mirror.test/redis" } },
  } as unknown as EngineConfig
  expect(lookupImage(config, "docker.io/library/python:3.11-slim")).toBe(layout)
  expect(lookupImage(config, "redis:latest")).toEqual({ ref: "mirror.test/redis" })
  expect(lookupImage(config, "python:3.12-slim")).toBeUndefined()
})

test("other tags of an image that are here are those with a layout of their own", () => {
  const layout = { ociLayout: "/x", digest: "sha256:1" }
  const config = {
    images: {
      "docker.io/library/python:3.13-slim": layout,
      "python:3.11-slim": layout,
      "python:3.10-slim": { ref: "mirror.test/python:3.10" },
      "redis:7": layout,
    },
  } as unknown as EngineConfig
  const here = ["python:3.11-slim", "python:3.13-slim"]
  expect(otherTags(config, "python:3.12-slim")).toEqual(here)
  expect(otherTags(config, "docker.io/library/python@sha256:12")).toEqual(here)
  expect(otherTags(config, "registry.test/python:3.12")).toEqual([])
})
