import { describe, expect, test } from "vitest"
import { answer, app, built, freePort, hasRunc, run } from "./oci.ts"

const web = [
  ["fastapi_uv", "/", '{"words":["hello","from","fastapi"]'],
  ["flask_requirements", "/", "<p>hello from flask</p>"],
  ["django_poetry", "/", "hello from django"],
  ["starlette_factory", "/", "hello from starlette 0.3.0"],
  ["litestar_pdm", "/", "hello from litestar"],
  ["aiohttp_own", "/", "hello from aiohttp"],
  [
    "procfile_wsgi",
    "/",
    "Procfile: PNG image data, 1 x 1, 8-bit/color RGBA, non-interlaced\nbanner",
  ],
  ["main_script", "/", "hello from a script"],
  ["workspace_member", "/", "hello from a workspace"],
] as const

describe.skipIf(!hasRunc).each(web)("%s", (name, page, words) => {
  test("answers as any user on the port it is told, is well, and ends when asked to", async () => {
    const image = await built(app(name))
    const port = await freePort()
    const container = run(image, { PORT: String(port), SECRET_KEY: "s" })
    const response = await answer(container, `http://127.0.0.1:${port}${page}`)
    expect(await response.text()).toContain(words)
    expect(response.status).toBe(200)
    const [kind, ...check] = image.config.config.Healthcheck?.Test ?? []
    expect(kind).toBe("CMD")
    expect(container.exec(check)).toMatchObject({ status: 0 })
    const { status, seconds } = await container.stop()
    expect([0, 143], container.output()).toContain(status)
    expect(seconds).toBeLessThan(8)
  })
})
