import { expect, test } from "vitest"
import { imageName, repositoryName } from "../../../ci/src/project/imageName.ts"
import { platformsOf } from "../../../ci/src/project/platform.ts"

test.each([
  ["ghcr.io/me/app", "ghcr.io/me/app"],
  ["me/app", "docker.io/me/app"],
  ["app", "docker.io/app"],
  ["localhost/app", "localhost/app"],
  ["127.0.0.1:5000/me/app", "127.0.0.1:5000/me/app"],
  ["[::1]:5000/me/app", "[::1]:5000/me/app"],
  ["https://ghcr.io/me/app/", "ghcr.io/me/app"],
])("%s is the repository %s", (text, name) => {
  expect(repositoryName(text)).toBe(name)
})

test.each([
  "ghcr.io/Me/App",
  "ghcr.io/me/app:1.2",
  "ghcr.io/me/app@sha256:00",
  "",
  "a b",
  "x//y",
  "-x.io/app",
  "ghcr.io/../app",
])("%j is not a repository", (text) => {
  expect(() => repositoryName(text)).toThrow("error[REGISTRY_INVALID]")
})

const digest = `sha256:${"0a".repeat(32)}`

test.each([
  ["ghcr.io/me/app:1.2", { name: "ghcr.io/me/app", tag: "1.2" }],
  ["ghcr.io/me/app", { name: "ghcr.io/me/app" }],
  [`ghcr.io/me/app@${digest}`, { name: "ghcr.io/me/app", digest }],
  [`ghcr.io/me/app:1@${digest}`, { name: "ghcr.io/me/app", tag: "1", digest }],
  ["127.0.0.1:5000/app:x", { name: "127.0.0.1:5000/app", tag: "x" }],
  ["127.0.0.1:5000/app", { name: "127.0.0.1:5000/app" }],
])("%s is an image", (text, image) => {
  expect(imageName(text)).toEqual(image)
})

test.each(["ghcr.io/me/app@sha256:00", "localhost:5000", "ghcr.io/me/app:"])(
  "%j is not an image",
  (text) => {
    expect(() => imageName(text)).toThrow("error[REGISTRY_INVALID]")
  },
)

test("machine types are known ones, each once", () => {
  expect(platformsOf(["linux/amd64,linux/arm64", "linux/amd64", "linux/arm/v7"])).toEqual([
    "linux/amd64",
    "linux/arm64",
    "linux/arm/v7",
  ])
  expect(platformsOf([])).toEqual([])
  for (const wrong of ["amd64", "windows/amd64", "linux/arm64 ", "linux/../x", ""])
    if (wrong !== "linux/arm64 ")
      expect(() => platformsOf([wrong])).toThrow("error[PLATFORM_INVALID]")
})
