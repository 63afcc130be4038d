import { expect, test } from "vitest"
import { explainPush } from "../../../ci/src/pipeline/push.ts"

// What engines say of a push that failed: the embedded one in its own words, Dagger in BuildKit's.
test.each([
  [
    "failed to push r.test/x:1: the registry r.test refuses access (401 Unauthorized): log in to it",
    "refused",
  ],
  [
    "failed to push r.test/x:1: server message: insufficient_scope: authorization failed",
    "refused",
  ],
  ["push access denied, repository does not exist or may require authorization: denied", "refused"],
  [
    "failed to copy: unexpected status from PUT request to https://r.test/v2/x/blobs/uploads/: 429 Too Many Requests",
    "limited",
  ],
  [
    "failed to push r.test/x:1: the name of the registry r.test cannot be resolved (no such host)",
    "unreachable",
  ],
  [
    'failed to do request: Head "https://r.test/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority',
    "unreachable",
  ],
  [
    "failed to push r.test/x:1: the registry r.test failed again and again (502 Bad Gateway): try later",
    "broken",
  ],
  [
    "failed to push: unexpected status from PUT request to https://r.test/v2/x/manifests/1: 503 Service Unavailable",
    "broken",
  ],
  ["failed to copy: push: write tcp 10.0.0.1:443: write: broken pipe", "broken"],
  [
    "failed to push r.test/x:1: the registry r.test cannot be reached (connection refused)",
    "broken",
  ],
])("%s: %s", (message, kind) => {
  expect(explainPush(new Error(`${message} [traceparent:00-ab]`))).toEqual({ kind, message })
})

test("a failed step is none of it", () => {
  const step = Object.assign(new Error("exit code: 1 registry 502"), { name: "ExecError" })
  expect(explainPush(step)).toBeUndefined()
  expect(explainPush(new Error("no such field"))).toBeUndefined()
})
