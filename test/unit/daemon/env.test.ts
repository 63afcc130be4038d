import { expect, test } from "vitest"
import { daemonEnv, idleTimeout } from "../../../engine/daemon/env.ts"

test("the daemon gets no secret of the client that started it", () => {
  const env = daemonEnv({
    PATH: "/bin",
    HTTPS_PROXY: "p",
    PYPI_TOKEN: "s3cret",
    NODE_OPTIONS: "-r x",
  })
  expect(env).toEqual({ PATH: "/bin", HTTPS_PROXY: "p" })
})

test.each([
  [undefined, 3_600_000],
  ["", 3_600_000],
  ["nonsense", 3_600_000],
  ["0", 0],
  ["90", 90_000],
  ["90s", 90_000],
  ["1.5h", 5_400_000],
  ["15 m", 900_000],
  ["never", Number.POSITIVE_INFINITY],
])("an idle timeout of %s", (value, ms) => {
  expect(idleTimeout(value === undefined ? {} : { PYLINE_IDLE_TIMEOUT: value })).toBe(ms)
})
