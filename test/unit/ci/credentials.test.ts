import { describe, expect, test } from "vitest"
import { isCredential, loginFiles, readCredentials } from "../../../ci/src/project/credentials.ts"

const indexes = [
  { file: "pyproject.toml", name: "internal", url: "https://pypi.example.com/simple" },
  { file: "pyproject.toml", name: "other-team", url: "https://other.example.com/pypi/simple/" },
  {
    file: "Pipfile",
    name: "shop",
    url: "https://shop.example.com/simple",
    login: "$SHOP_USER:$SHOP_TOKEN",
  },
]
const me = { username: "me", password: "secret" }
const internal = { url: "https://pypi.example.com/simple", ...me }
const nothing = { logins: [], extraIndexes: [] }

describe("variables", () => {
  test.each([
    ["uv's", "UV_INDEX_INTERNAL_USERNAME=me\nUV_INDEX_INTERNAL_PASSWORD=secret\n"],
    [
      "Poetry's",
      "POETRY_HTTP_BASIC_INTERNAL_USERNAME=me\nPOETRY_HTTP_BASIC_INTERNAL_PASSWORD=secret",
    ],
    [
      "as a shell would read them",
      "# for CI\nexport UV_INDEX_INTERNAL_USERNAME='me'\r\nexport UV_INDEX_INTERNAL_PASSWORD=\"secret\"\r\n",
    ],
  ])("%s", (_, text) => {
    expect(readCredentials(text, indexes)).toEqual({ ...nothing, logins: [internal] })
  })

  test("a name with other characters than letters", () => {
    const { logins } = readCredentials("UV_INDEX_OTHER_TEAM_PASSWORD=secret", indexes)
    expect(logins).toEqual([
      { url: "https://other.example.com/pypi/simple/", username: "__token__", password: "secret" },
    ])
  })

  test("those that stand in an address of the project", () => {
    const { logins } = readCredentials("SHOP_USER=me\nSHOP_TOKEN=a%2Fb\n", indexes)
    expect(logins).toEqual([
      { url: "https://shop.example.com/simple", username: "me", password: "a/b" },
    ])
    expect(readCredentials("SHOP_USER=me\n", indexes)).toEqual(nothing)
  })

  test("pip's and PDM's, with an index to use", () => {
    expect(readCredentials("PIP_INDEX_URL=https://me:secret@pypi.example.com/simple", [])).toEqual({
      logins: [internal],
      index: "https://pypi.example.com/simple",
      extraIndexes: [],
    })
    const pdm =
      "PDM_PYPI_URL=https://pypi.example.com/simple\nPDM_PYPI_USERNAME=me\nPDM_PYPI_PASSWORD=secret"
    expect(readCredentials(pdm, [])).toMatchObject({ logins: [internal] })
    expect(
      readCredentials("UV_INDEX=internal=https://me:secret@pypi.example.com/simple", []),
    ).toEqual({
      logins: [internal],
      extraIndexes: ["https://pypi.example.com/simple"],
    })
  })

  test("of an index that the project does not have: not used", () => {
    expect(readCredentials("UV_INDEX_FOO_PASSWORD=secret", indexes)).toEqual(nothing)
  })

  test("can be told from other variables", () => {
    const names = ["UV_INDEX_A_PASSWORD", "POETRY_HTTP_BASIC_A_USERNAME", "UV_INDEX", "PASSWORD"]
    expect(names.map(isCredential)).toEqual([true, true, false, false])
  })
})

describe("files", () => {
  test("netrc is taken as it is", () => {
    const text = "# mine\nmachine pypi.example.com\nlogin me\npassword secret\n"
    expect(readCredentials(text, indexes)).toEqual({ ...nothing, netrc: text })
  })

  test("pip.conf", () => {
    const text = `[global]
timeout = 60
index-url = https://me:secret@pypi.example.com/simple
extra-index-url =
    https://other.example.com/simple
    https://user:p%40ss@third.example.com/simple

[install]
no-binary = foo
`
    expect(readCredentials(text, [])).toEqual({
      logins: [
        internal,
        { url: "https://third.example.com/simple", username: "user", password: "p@ss" },
      ],
      index: "https://pypi.example.com/simple",
      extraIndexes: ["https://other.example.com/simple", "https://third.example.com/simple"],
    })
  })

  test("Poetry's auth.toml", () => {
    const text = '[http-basic.internal]\nusername = "me"\npassword = "secret"\n'
    expect(readCredentials(text, indexes)).toEqual({ ...nothing, logins: [internal] })
  })

  test("PDM's config.toml", () => {
    const text = `[pypi]
url = "https://mirror.example.com/simple"
username = "me"
password = "secret"

[pypi.internal]
username = "me"
password = "secret"
`
    expect(readCredentials(text, indexes)).toEqual({
      logins: [internal, { url: "https://mirror.example.com/simple", ...me }],
      index: "https://mirror.example.com/simple",
      extraIndexes: [],
    })
  })

  test("an empty one is no credentials", () => {
    expect(readCredentials("\n# nothing\n", indexes)).toEqual(nothing)
  })
})

test.each(["secret", "-----BEGIN KEY-----", "[global]\nsecret\n", "PIP_INDEX_URL=secret"])(
  "something else is an error that repeats nothing of it: %s",
  (text) => {
    let message = ""
    try {
      readCredentials(text, indexes)
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toMatch(/^error\[USAGE\]: --index-credentials is in no form/)
    expect(message).not.toMatch(/secret|KEY/)
  },
)

describe("as the installer reads them", () => {
  test("by host, where one login is all that is known of it", () => {
    const files = loginFiles([
      { url: "https://a.example.com/one/simple", username: "me", password: 'a "b\\c' },
      { url: "https://a.example.com/two/simple", username: "me", password: 'a "b\\c' },
      { url: "http://b.example.com:8080/simple", username: "you", password: "x" },
    ])
    expect(files).toEqual({
      netrc: `machine a.example.com login "me" password "a \\"b\\\\c"
machine b.example.com login "you" password "x"
`,
      list: "",
    })
  })

  test("by address, where a host has several", () => {
    const { netrc, list } = loginFiles([
      { url: "https://a.example.com/one/simple", username: "me", password: "1" },
      { url: "https://a.example.com/two/+simple/", username: "me", password: '2"' },
    ])
    expect(netrc).toBe("")
    expect(list).toBe(`[[credential]]
service = "https://a.example.com/one"
username = "me"
password = "1"
[[credential]]
service = "https://a.example.com/two"
username = "me"
password = "2\\""
`)
  })
})
