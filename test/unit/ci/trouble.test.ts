import { describe, expect, test } from "vitest"
import { readTrouble } from "../../../ci/src/pipeline/trouble.ts"

// What the tools printed when these things were done to them.

const uv = (...causes: string[]) =>
  `Using Python 3.13.5 environment at: /opt/venv
error: Request failed after 3 retries in 6.6s
  cause: Failed to fetch: http://127.0.0.1:8099/simple/demo/
${causes.map((cause) => `  cause: ${cause}`).join("\n")}
`
const apt = (what: string) =>
  `E: Failed to fetch http://deb.example.org/debian/dists/trixie/InRelease  ${what}
E: Some index files failed to download. They have been ignored, or old ones used instead.
`
const pip = (why: string) =>
  `WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection broken by '${why}': /simple/uv/
ERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)
ERROR: No matching distribution found for uv==0.13.9
`
const sending = "error sending request for url (http://127.0.0.1:8099/simple/demo/)"

describe("passes by itself", () => {
  const cases: [string, string, string][] = [
    [
      "uv, 503",
      uv("HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1/)"),
      "503 Service Unavailable",
    ],
    [
      "uv, 429",
      uv("HTTP status client error (429 Too Many Requests) for url (http://127.0.0.1/)"),
      "429 Too Many Requests",
    ],
    [
      "uv, reset",
      uv(
        sending,
        "client error (SendRequest)",
        "connection error",
        "Connection reset by peer (os error 104)",
      ),
      "the connection was reset",
    ],
    ["uv, silent", uv(sending, "operation timed out"), "no answer in time"],
    [
      "uv, DNS",
      uv(
        sending,
        "client error (Connect)",
        "dns error",
        "error resolving DNS",
        "failed to lookup address information: Name or service not known",
      ),
      "a name could not be resolved",
    ],
    [
      "uv, refused",
      uv(
        sending,
        "client error (Connect)",
        "tcp connect error",
        "Connection refused (os error 111)",
      ),
      "connection refused",
    ],
    [
      "uv, what a build needs cannot be fetched",
      `error: Failed to resolve requirements from \`setup.py\` build
  cause: No solution found when resolving: \`setuptools>=40.8.0\`
  cause: Request failed after 3 retries in 6.4s
  cause: Failed to fetch: http://127.0.0.1:8099/503/setuptools/
  cause: HTTP status server error (503 Service Unavailable) for url (http://127.0.0.1:8099/503/setuptools/)
`,
      "503 Service Unavailable",
    ],
    ["apt, 503", apt("503  Service Unavailable [IP: 127.0.0.1 8099]"), "503 Service Unavailable"],
    ["apt, 429", apt("429  Too Many Requests [IP: 127.0.0.1 8099]"), "429 Too Many Requests"],
    [
      "apt, reset or silent",
      apt("Connection failed [IP: 127.0.0.1 8099]"),
      "the connection was reset",
    ],
    ["apt, DNS", apt("Could not resolve 'deb.example.org'"), "a name could not be resolved"],
    [
      "apt, refused",
      apt("Could not connect to 127.0.0.1:1 (127.0.0.1). - connect (111: Connection refused)"),
      "connection refused",
    ],
    [
      "apt, TLS",
      apt("Could not handshake: Error in the pull function. [IP: 127.0.0.1 8098]"),
      "the TLS connection broke off",
    ],
    [
      "pip, DNS",
      pip(
        "NewConnectionError('<pip._vendor.urllib3.connection.HTTPSConnection object at 0x7fed>: Failed to establish a new connection: [Errno -2] Name or service not known')",
      ),
      "a name could not be resolved",
    ],
    [
      "pip, reset",
      pip(
        "ProtocolError('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
      ),
      "the connection was reset",
    ],
    [
      "pip, silent",
      pip(
        "ReadTimeoutError(\"HTTPConnectionPool(host='127.0.0.1', port=8099): Read timed out. (read timeout=3.0)\")",
      ),
      "no answer in time",
    ],
    [
      "pip, 503 for a file",
      "ERROR: Could not install packages due to an OSError: HTTPConnectionPool(host='127.0.0.1', port=8099): Max retries exceeded with url: /f/demo-1.0-py3-none-any.whl (Caused by ResponseError('too many 503 error responses'))\n",
      "503",
    ],
    [
      "pip, a file that is cut off",
      `ERROR: Exception:
Traceback (most recent call last):
  File "/usr/lib/python3.13/http/client.py", line 473, in read
    s = self.fp.read(amt)
ConnectionResetError: [Errno 104] Connection reset by peer

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/usr/lib/python3.13/site-packages/pip/_vendor/urllib3/response.py", line 455, in _error_catcher
    raise ProtocolError("Connection broken: %r" % e, e)
pip._vendor.urllib3.exceptions.ProtocolError: ("Connection broken: ConnectionResetError(104, 'Connection reset by peer')", ConnectionResetError(104, 'Connection reset by peer'))
`,
      "the connection was reset",
    ],
    [
      "pip has no list of versions, and does not say why",
      "ERROR: Could not find a version that satisfies the requirement uv==0.13.9 (from versions: none)\nERROR: No matching distribution found for uv==0.13.9\n",
      "an index gave no list of versions",
    ],
    [
      "git",
      "  cause: Git operation failed\n  cause: process didn't exit successfully: `git fetch` (exit status: 128)\nfatal: unable to access 'https://git.example.org/x/': Could not resolve host: git.example.org\n",
      "a name could not be resolved",
    ],
  ]
  test.for(cases)("%s", ([, stderr, what], { expect }) => {
    expect(readTrouble(stderr)).toEqual({ kind: "network", what, passing: true })
  })
})

describe("does not", () => {
  test("what is not there, or cannot be installed together", () => {
    const said = `error: No solution found when resolving dependencies
  cause: Because async-timeout==99 was not found in the package registry and you require async-timeout==99, we can conclude that your requirements are unsatisfiable.
`
    expect(readTrouble(said)).toEqual({ kind: "resolution" })
    expect(
      readTrouble(
        "ERROR: Could not find a version that satisfies the requirement demo==2.0 (from versions: 1.0)\nERROR: No matching distribution found for demo==2.0\n",
      ),
    ).toEqual({ kind: "resolution" })
    expect(readTrouble("E: Unable to locate package libnope-dev\n")).toEqual({ kind: "resolution" })
  })

  test("a file with another hash than the lock's", () => {
    const said = `Resolved 1 package in 4ms
error: Failed to download \`demo==1.0\`
  cause: Hash mismatch for \`demo==1.0\`

         Expected:
           sha256:0000000000000000000000000000000000000000000000000000000000000001
`
    expect(readTrouble(said)).toEqual({ kind: "hash" })
    expect(
      readTrouble(
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, please update the hashes.\n",
      ),
    ).toEqual({ kind: "hash" })
  })

  test("an index that wants credentials", () => {
    const said = `error: No solution found when resolving dependencies
  cause: Because demo was not found in the package registry and you require demo==1.0, we can conclude that your requirements are unsatisfiable.

hint: An index (http://127.0.0.1:8099/403/) returned a 403 Forbidden error. Check that the index URL is correct and the credentials are valid.
`
    expect(readTrouble(said)).toEqual({ kind: "refused" })
  })

  test("a build, whatever it prints", () => {
    const said = `error: The build backend returned an error
  cause: Call to \`setuptools.build_meta:__legacy__.build_wheel\` failed (exit status: 1)

         [stdout]
         error: Connection refused

         [stderr]
         Traceback (most recent call last):
         ConnectionResetError: [Errno 104] Connection reset by peer
         E: Failed to fetch http://x/  503  Service Unavailable [IP: 1.2.3.4 80]
           cause: dns error
         error: HTTP status server error (503 Service Unavailable) for url (x)
`
    expect(readTrouble(said)).toEqual({ kind: "build" })
  })

  test("certificates, and networks that are not there", () => {
    const said = uv(sending, "client error (Connect)", "invalid peer certificate: UnknownIssuer")
    expect(readTrouble(said)).toEqual({
      kind: "network",
      what: "invalid peer certificate: UnknownIssuer",
      passing: false,
    })
  })

  test("what is said on standard error and no complaint of a tool", () => {
    expect(readTrouble("warning: connection reset by peer\nassert x == 'timed out'\n")).toBe(
      undefined,
    )
  })
})
