import { describe, expect, test } from "vitest"
import type { Facts } from "../../../ci/src/project/facts.ts"
import { fetchesWithGit, namesIn } from "../../../ci/src/project/uvGraph.ts"

const need = (...names: string[]) => names.map((name) => ({ name }))
const lock = {
  documents: {},
  groups: { lint: need("ruff") },
  members: [
    { name: "app", path: ".", kind: "editable" as const },
    { name: "worker", path: "worker", kind: "editable" as const },
  ],
  packages: [
    {
      name: "app",
      needs: [{ name: "psycopg", extras: ["c"] }, { name: "click" }],
      extras: { pdf: need("weasyprint") },
      groups: { dev: need("pytest", "app"), docs: need("pydub") },
    },
    { name: "worker", needs: need("mysqlclient") },
    {
      name: "psycopg",
      needs: need("typing-extensions"),
      extras: { c: need("psycopg-c"), binary: need("psycopg-binary") },
    },
    { name: "pytest", needs: need("pluggy", "pytest") },
  ],
}

describe("what of a lock is installed", () => {
  test("the root, its own dependencies and their extras", () => {
    expect(namesIn(lock, { groups: [], extras: [] })).toEqual([
      ...["app", "click", "psycopg", "psycopg-c", "typing-extensions"],
    ])
  })

  test("and what the chosen groups and extras add", () => {
    const all = namesIn(lock, { groups: ["dev"], extras: ["pdf"] })
    expect(all).toContain("weasyprint")
    expect(all).toContain("pluggy")
    expect(all).not.toContain("pydub")
  })

  test("a member of a workspace alone", () => {
    expect(namesIn(lock, { member: "worker", groups: [], extras: [] })).toEqual([
      "mysqlclient",
      "worker",
    ])
  })

  test("all members and its own groups, where the root is no project", () => {
    const bare = { ...lock, members: lock.members.slice(1) }
    expect(namesIn(bare, { groups: ["lint"], extras: [] })).toEqual([
      "mysqlclient",
      "ruff",
      "worker",
    ])
  })

  test("git is there where it fetches something of that, and not for the rest of the lock", () => {
    const packages = lock.packages.map((one) =>
      one.name === "pytest" ? { ...one, vcs: "git" as const } : one,
    )
    const facts = { uvLock: { ...lock, packages } } as unknown as Facts
    expect(fetchesWithGit(facts, [], { groups: [], extras: [] })).toBe(false)
    expect(fetchesWithGit(facts, [], { groups: ["dev"], extras: [] })).toBe(true)
  })
})
