import { expect, test } from "vitest"
import { missingLibrary, systemPackagesFor } from "../../../ci/src/project/systemPackages.ts"

test("distributions decide, and not parts of their names", () => {
  expect(systemPackagesFor(["my-psycopg2-helpers", "psycopg2-binary", "numpy"])).toEqual({
    build: [],
    run: [],
    because: [],
  })
})

test("what a build takes is apart from what a run takes", () => {
  expect(systemPackagesFor(["Psycopg2", "CairoSVG"])).toEqual({
    build: ["gcc", "libc6-dev", "libpq-dev"],
    run: ["libcairo2", "libpq5"],
    because: ["cairosvg", "psycopg2"],
  })
})

test("psycopg needs nothing where its binary is installed too", () => {
  expect(systemPackagesFor(["psycopg"]).run).toEqual(["libpq5"])
  expect(systemPackagesFor(["psycopg", "psycopg-binary"]).run).toEqual([])
})

test.each([
  ["Error: pg_config executable not found.", ["libpq-dev"]],
  ["  fatal error: ffi.h: No such file or directory", ["libffi-dev"]],
  ["error: command 'gcc' failed: No such file or directory", ["gcc", "libc6-dev"]],
  ["/bin/sh: 1: xml2-config: not found", ["libxml2-dev", "libxslt1-dev"]],
  ["../meson.build:1:0: ERROR: Unknown compiler(s): [['cc'], ['gcc']]", ["gcc", "libc6-dev"]],
  ["ImportError: libGL.so.1: cannot open shared object file", ["libgl1"]],
])("%s", (line, packages) => {
  expect(missingLibrary(`first\n${line}\nlast`)).toEqual({ packages, line: line.trim() })
})

test("an ordinary failure names no library", () => {
  expect(missingLibrary("error: invalid command 'bdist_wheel'")).toBeUndefined()
})
