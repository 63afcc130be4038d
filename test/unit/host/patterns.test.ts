import { describe, expect, test } from "vitest"
import { Patterns } from "../../../engine/host/patterns.ts"

/** Whether a path matches, asked as a walk asks: directory by directory. */
function matches(patterns: string[], path: string): boolean {
  const matcher = new Patterns(patterns)
  const names = path.split("/")
  let parent: boolean[] | undefined
  for (let i = 1; i < names.length; i++) {
    const record: boolean[] = []
    matcher.match(names.slice(0, i).join("/"), parent, record)
    parent = record
  }
  return matcher.match(path, parent)
}

test.each([
  ["**", "dir/file", true],
  ["**/", "dir/file", true],
  ["dir/**", "dir/dir2/file", true],
  ["abc/**", "abc", false],
  ["**/dir", "dir/file", true],
  ["**/dir2/*", "dir/dir2/file", true],
  ["**file", "dir/dir/file", true],
  ["**/file*.txt", "dir/dir/file.txt", true],
  ["**/**/*.txt", "file.txt", true],
  ["a**/*.txt", "a/dir/dir/file.txt", true],
  ["a/*.txt", "a/dir/file.txt", false],
  ["a[b-d]e", "ace", true],
  ["a[b-d]e", "aae", false],
  ["a[^b-d]e", "aze", true],
  ["a[!b]e", "aze", false],
  [".*", "foo", false],
  ["abc.def", "abcZdef", false],
  ["abc?def", "abc/def", false],
  ["a\\*b", "a*b", true],
  ["a\\*b", "axb", false],
  ["[a\\-c]", "b", false],
  ["**/.foo", "bar.foo", false],
  ["a(b)c/def", "a(b)c/def", true],
  ["a.|)$(}+{bc", "a.|)$(}+{bc", true],
  ["{a,b}", "a", false],
  ["/a", "a", false],
  ["../a", "a", false],
  ["./a", "a", true],
  ["a/", "a/b", true],
  ["a//b/../c", "a/c", true],
  ["  a  ", "a", true],
  [".", "a/b", true],
  ["a]b*", "a]bc", true],
  ["?", "é", true],
  ["node_modules/**", "node_modules/new\nline", true],
])("%s with %s: %s", (pattern, path, expected) => {
  expect(matches([pattern], path)).toBe(expected)
})

test.each([
  [["**", "!util/web"], "util/web/foo", false],
  [["**", "!util/web", "util/web/foo"], "util/web/foo", true],
  [["docs", "!docs/README.md"], "docs/README.md", false],
  [["!a", "a"], "a", true],
  [["docs", " !./docs/a "], "docs/a", false],
  [["", " ", "!"], "a", false],
])("%j with %s: %s", (patterns, path, expected) => {
  expect(matches(patterns, path)).toBe(expected)
})

test.each(["[", "[a", "[]a]", "[a-]", "a\\", "[z-a]"])("%s is refused", (pattern) => {
  expect(() => new Patterns([pattern])).toThrow(`syntax error in pattern ${pattern}`)
})

describe("mayDifferBelow", () => {
  test.each([
    [["node_modules"], "node_modules", false],
    [["node_modules", "!**/*.md"], "node_modules", true],
    [["node_modules", "!src/*.md"], "node_modules", false],
    [["!node_modules/keep", "node_modules"], "node_modules", false],
    [["node_modules", "!node_modules/keep"], "node_modules", true],
    [["**", "!src/deep/c.py"], "src", true],
    [["**", "!src/deep/c.py"], "src/other", false],
    [["**", "!src/deep"], "lib", false],
    [["src/x", "!src"], "src/x", false],
  ])("excluded by %j, %s: %s", (patterns, directory, expected) => {
    const matcher = new Patterns(patterns)
    const record: boolean[] = []
    const names = directory.split("/")
    let parent: boolean[] | undefined
    for (let i = 1; i < names.length; i++) {
      const above: boolean[] = []
      matcher.match(names.slice(0, i).join("/"), parent, above)
      parent = above
    }
    expect(matcher.match(directory, parent, record)).toBe(true)
    expect(matcher.mayDifferBelow(directory, true, record)).toBe(expected)
  })
})
