import { describe, expect, test } from "vitest"
import { decideTags, firstTag } from "../../../ci/src/project/tags.ts"

const COMMIT = "0123456789abcdef0123456789abcdef01234567"

describe("without being told", () => {
  test("an image has its commit, its version and its branch", () => {
    const tags = decideTags({ asked: [], revision: COMMIT, version: "1.2.0", branch: "main" })
    expect(tags).toEqual({ stay: ["0123456789ab"], keep: ["1.2.0"], move: ["main"] })
    expect(firstTag(tags)).toBe("0123456789ab")
  })

  test("what is not as in the commit has no name that others rely on", () => {
    const tags = decideTags({
      asked: [],
      revision: `${COMMIT}-dirty`,
      version: "1.2.0",
      branch: "main",
    })
    expect(tags).toEqual({ stay: [], keep: [], move: ["0123456789ab-dirty"] })
  })

  test.each([
    ["feature/Über schön!", ["feature-ber-sch-n-"]],
    ["dependabot/npm_and_yarn/x", ["dependabot-npm_and_yarn-x"]],
    ["...", []],
    // What looks as if it stayed must not move.
    ["1.2.3", []],
    ["v1.2.3", []],
    ["1.2", []],
    ["deadbeef", []],
  ])("the branch %s is tagged %s", (branch, move) => {
    expect(decideTags({ asked: [], revision: COMMIT, version: "1.2", branch }).move).toEqual(move)
  })

  test("a local version keeps its name as far as tags have letters for it", () => {
    expect(decideTags({ asked: [], version: "1.0+local.1" }).keep).toEqual(["1.0-local.1"])
  })

  test("nothing to call it after is an error", () => {
    expect(() => decideTags({ asked: [] })).toThrowErrorMatchingInlineSnapshot(`
      [PylineError: error[TAG_MISSING]: nothing says what the image is to be called: no commit, no version, no branch
      fix: name it, such as --tags=latest, or say where it comes from: --revision=$(git rev-parse HEAD)
      docs: docs/publish.md]
    `)
  })
})

describe("tags that are asked for", () => {
  test("are the only ones; versions and commits stay, others move", () => {
    expect(
      decideTags({
        asked: ["1.2.3", "latest", "v2.0.0rc1", "1.2", "2024.7", "deadbeefcafe", "latest"],
        revision: COMMIT,
        version: "2024.7",
        branch: "main",
      }),
    ).toEqual({
      stay: ["1.2.3", "v2.0.0rc1", "2024.7", "deadbeefcafe"],
      move: ["latest", "1.2"],
      keep: [],
    })
  })

  test.each(["a b", "-x", "a".repeat(129), "x/y", ""])("%j is none", (tag) => {
    expect(() => decideTags({ asked: [tag] })).toThrow("error[TAG_INVALID]")
  })
})
