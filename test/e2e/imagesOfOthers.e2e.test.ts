import { appendFileSync } from "node:fs"
import path from "node:path"
import { describe, expect, test } from "vitest"
import { answer, app, built, freePort, hasRunc, run, says } from "./oci.ts"
import { pyline } from "./pyline.ts"

describe.skipIf(!hasRunc)("what is no web application (skipped where there is no runc)", () => {
  test("a Celery worker waits for work", async () => {
    const image = await built(app("celery_worker"))
    expect(image.config.config.ExposedPorts).toBeUndefined()
    expect(image.config.config.Healthcheck).toBeUndefined()
    const container = run(image)
    await says(container, "ready.")
    const { status, seconds } = await container.stop()
    expect(status, container.output()).toBe(0)
    expect(seconds).toBeLessThan(8)
  })

  test("an RQ worker looks for its queue where it is told", async () => {
    const image = await built(app("rq_worker"))
    const container = run(image, { REDIS_URL: "redis://127.0.0.1:1/0" })
    await says(container, "127.0.0.1:1")
    await container.stop()
  })

  test("a command gets its arguments and gives its exit status", async () => {
    const image = await built(app("console_script"))
    const { Entrypoint = [], Cmd } = image.config.config
    expect(Cmd).toEqual(["weather-report"])
    const container = run(image, {}, [...Entrypoint, ...Cmd, "a place's name"])
    expect(await container.ended).toBe(0)
    expect(container.output()).toBe("hello from a command 2.0.0: sunny a place's name\n")
    const failing = run(image, {}, [...Entrypoint, "python", "-c", "raise SystemExit(7)"])
    expect(await failing.ended).toBe(7)
  })

  test("a module that knows nothing of signals ends when it is asked to", async () => {
    const container = run(await built(app("module_main")))
    await says(container, "hello from a module")
    const { status, seconds } = await container.stop()
    expect(status).toBe(143)
    expect(seconds).toBeLessThan(8)
  })

  test("the start setting decides, with its port, its health and its files", async () => {
    const image = await built(app("start_setting"))
    expect(image.config.config.ExposedPorts).toEqual({ "8642/tcp": {} })
    const container = run(image)
    const response = await answer(container, "http://127.0.0.1:8642/index.html")
    expect(await response.text()).toContain("hello from a setting")
    const [, ...check] = image.config.config.Healthcheck?.Test ?? []
    expect(container.exec(check)).toMatchObject({ status: 0 })
    await container.stop()
  })

  test("migrations are a command of their own, and static files are there from the start", async () => {
    const image = await built(app("django_poetry"))
    const release = JSON.parse(image.config.config.Labels["pyline.release"] ?? "[]")
    expect(release).toEqual(["python", "manage.py", "migrate", "--noinput"])
    const env = { SECRET_KEY: "s", DATABASE: "/tmp/db.sqlite3" }
    const migration = run(image, env, release)
    expect(await migration.ended, migration.output()).toBe(0)
    expect(migration.output()).toContain("Applying polls.0001_initial... OK")
    const port = await freePort()
    const container = run(image, { ...env, PORT: String(port) })
    const style = await answer(container, `http://127.0.0.1:${port}/static/polls/style.css`)
    expect(await style.text()).toContain("margin: 2em")
    expect(JSON.stringify(image.config)).not.toContain('"SECRET_KEY')
    await container.stop()
  })
})

const large = process.env.PYLINE_TEST_LARGE === "1"

describe.skipIf(!large || !hasRunc)(
  "pages (skipped: 300 MB to install; PYLINE_TEST_LARGE=1 has them)",
  () => {
    test.each(["streamlit_page", "gradio_demo"])("%s", async (name) => {
      const image = await built(app(name))
      const port = await freePort()
      const container = run(image, { PORT: String(port) })
      const page = await answer(container, `http://127.0.0.1:${port}/`)
      expect(await page.text()).toMatch(/<!doctype html>/i)
      const [, ...check] = image.config.config.Healthcheck?.Test ?? []
      expect(container.exec(check)).toMatchObject({ status: 0 })
      const { seconds } = await container.stop()
      expect(seconds).toBeLessThan(8)
    })
  },
)

test("what cannot be started is an error, and the tests do not mind", async () => {
  const source = app("starlette_factory")
  appendFileSync(path.join(source, "pyproject.toml"), "\n[tool.pyline]\nstart = 'gunicorn x:y'\n")
  const missing = await pyline(["image", "--source", source])
  expect(missing.exitCode, missing.all).toBe(2)
  expect(missing.stderr).toContain(
    "error[SERVER_MISSING]: gunicorn is not among what uv.lock installs",
  )
  expect(missing.stderr).toContain("fix: uv add gunicorn")
  const tests = await pyline(["test", "--source", source, "--allow-no-tests"])
  expect(tests.exitCode, tests.all).toBe(0)
})
