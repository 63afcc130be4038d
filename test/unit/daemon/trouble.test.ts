import { expect, test } from "vitest"
import { retryAfter } from "../../../engine/buildkit/patience.ts"
import { inPlainWords, troubleOf } from "../../../engine/buildkit/trouble.ts"

const digest = (letter: string) => `sha256:${letter.repeat(64)}`

test.each([
  [
    "unexpected status from HEAD request to https://r.test:5000/v2/a/manifests/1: 429 Too Many Requests",
    { kind: "limited", host: "r.test:5000", url: "https://r.test:5000/v2/a/manifests/1" },
  ],
  [
    "failed to push r.test/a:1: unexpected status from PUT request to http://r.test/v2/a/blobs/uploads/1?digest=sha256%3Aab: 502 Bad Gateway",
    { kind: "flaky", host: "r.test", what: "502 Bad Gateway" },
  ],
  [
    'failed to do request: Head "https://r.test/v2/a/manifests/1": dial tcp: lookup r.test on 10.0.0.1:53: no such host',
    { kind: "unknown-host", host: "r.test" },
  ],
  [
    'failed to do request: Head "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused',
    { kind: "unreachable", host: "127.0.0.1:1", what: "connection refused" },
  ],
  [
    "failed to compute cache key: failed to copy: read tcp 127.0.0.1:46880->127.0.0.1:45237: read: connection reset by peer",
    { kind: "flaky", what: "connection reset by peer" },
  ],
  [
    `failed commit on ref "layer-${digest("a")}": unexpected commit digest ${digest("b")}, expected ${digest("a")}: failed precondition`,
    { kind: "corrupt", digest: digest("a"), arrived: digest("b") },
  ],
  [
    "unexpected status from HEAD request to https://r.test/v2/a/manifests/1: 401 Unauthorized",
    { kind: "denied", host: "r.test", what: "401 Unauthorized" },
  ],
])("%s", (message, trouble) => {
  expect(troubleOf(message)).toEqual(trouble)
})

test("what is about no registry is left as it is", () => {
  for (const message of ["r.test/none:1: not found", 'lstat /x: no such file: "y"', "canceled"])
    expect(inPlainWords(message)).toBeUndefined()
})

test("Retry-After is a number of seconds or a date", () => {
  expect(retryAfter("7")).toBe(7000)
  expect(retryAfter("Thu, 01 Jan 1970 00:00:05 GMT", 1000)).toBe(4000)
  expect(retryAfter("Thu, 01 Jan 1970 00:00:00 GMT", 1000)).toBe(0)
  expect(retryAfter("soon")).toBeUndefined()
  expect(retryAfter(undefined)).toBeUndefined()
})
