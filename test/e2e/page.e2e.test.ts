import { statSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { audit } from "../browser/audit.ts"
import { Chromium, findChromium } from "../browser/chromium.ts"
import { pageOf } from "../browser/folders.ts"
import type { Look, Page } from "../browser/page.ts"
import { GREEN, HOSTILE, LARGE, RED } from "../browser/samples.ts"
import { folder } from "./pyline.ts"

const found = await findChromium()
if ("missing" in found) console.warn(`the page is not tested in a browser: ${found.missing}`)

const DESKTOP: Look = { width: 1280, height: 900, scheme: "light" }
const PHONE: Look = { width: 360, height: 740, scheme: "dark" }

describe.skipIf("missing" in found)("the page in a browser", () => {
  let browser: Chromium
  beforeAll(() => {
    if ("path" in found) browser = Chromium.start(found.path)
  })
  afterAll(() => browser?.close())

  async function opened(url: string, look = DESKTOP): Promise<Page> {
    const page = await browser.page()
    await page.look(look)
    await page.open(url)
    return page
  }

  const samples = { red: RED, green: GREEN, hostile: HOSTILE, large: LARGE }
  const urls: Record<string, string> = {}
  beforeAll(() => {
    for (const [name, sample] of Object.entries(samples)) urls[name] = pageOf(folder(), sample)
  })

  describe.each(Object.keys(samples))("%s", (name) => {
    test.each([DESKTOP, PHONE])(
      "can be used by everybody, asks nobody and complains of nothing, $width $scheme",
      async (look) => {
        const page = await opened(urls[name] as string, look)
        expect(await audit(page)).toEqual([])
        await page.evaluate(
          "document.querySelectorAll('details').forEach((one) => { one.open = true })",
        )
        expect(await audit(page)).toEqual([])
        expect(page.requests.filter((url) => !url.startsWith("data:"))).toEqual([urls[name]])
        expect(page.complaints).toEqual([])
        await page.close()
      },
    )
  })

  test("says the verdict first, then what failed with all that it left", async () => {
    const page = await opened(urls.red as string)
    expect(await page.evaluate("document.title")).toBe(
      "1 of 42 tests failed on Python 3.11, 76 % is covered of the 90 % that is needed, lint failed and types could not run · basket",
    )
    const main = await page.evaluate<string>("document.querySelector('main').innerText")
    const order = [
      "test 3.11",
      "What failed",
      "test_sum",
      "tests/test_basket.py:14",
      "assert 6.6 == 6.5",
    ]
    order.push("pyline test --python 3.11 -- tests/test_basket.py::test_sum", "adding up")
    order.push(
      "Findings",
      "F401",
      "dns error",
      "Slowest tests",
      "Coverage",
      "16–20",
      "All tests",
      "Plan",
    )
    let at = -1
    for (const text of order) {
      const next = main.indexOf(text, at + 1)
      expect(next, `${text}, in its place`).toBeGreaterThan(at)
      at = next
    }
    expect(main).not.toContain("Captured stderr")
    await page.close()
  })

  test("works without scripts but for the list of all tests", async () => {
    const page = await browser.page()
    await page.withoutScripts()
    await page.open(urls.red as string)
    const text = await page.text()
    for (const said of ["1 of 42 tests failed", "assert 6.6 == 6.5", "F401", "needs scripts"])
      expect(text).toContain(said)
    await page.close()
  })

  test("takes nothing that tests say for markup, and cuts ten megabytes", async () => {
    const page = await opened(urls.hostile as string)
    expect(await page.evaluate("document.title")).not.toBe("pwned")
    expect(
      await page.evaluate(
        "document.querySelectorAll('main img, main script, main svg[onload]').length",
      ),
    ).toBe(0)
    const text = await page.evaluate<string>("document.querySelector('main').textContent")
    const said = (part: string) => text.includes(part)
    for (const part of ["<img src=x onerror=", "<U+202E>gpj.exe", "{{data}} {{script}}"])
      expect(said(part), part).toBe(true)
    expect(said("10.5 MB left out here")).toBe(true)
    for (const part of ["\u202e", "\u001b", "#x1B"]) expect(said(part), part).toBe(false)
    expect(statSync(fileURLToPath(urls.hostile as string)).size).toBeLessThan(1_000_000)
    await page.close()
  })

  test("of ten thousand tests: is there at once, and finds one while it is typed", async () => {
    const page = await browser.page()
    await page.look(PHONE)
    // On a quiet machine 200 ms. The bounds tell a page that hangs from one that does not.
    expect(await page.open(urls.large as string)).toBeLessThan(10_000)
    const rows = () => page.evaluate<number>("document.querySelectorAll('#rows tr').length")
    expect(await rows()).toBe(200)
    await page.evaluate("document.querySelector('#filter').focus()")
    await page.type("module_117 number_9717")
    const took = await page.until("document.querySelectorAll('#rows tr').length === 1")
    expect(took).toBeLessThan(5_000)
    expect(await page.evaluate("document.querySelector('#found').textContent")).toBe(
      "1 of 10,000 tests",
    )
    await page.evaluate("document.querySelector('#filter').select()")
    await page.type("number")
    await page.until("document.querySelectorAll('#rows tr').length === 200")
    await page.evaluate("document.querySelector('#more').focus()")
    await page.press("Enter")
    expect(await rows()).toBe(400)
    const time = `document.querySelector("#all thead th:last-child button")`
    await page.evaluate(`${time}.click()`)
    expect(await page.evaluate(`${time}.parentElement.getAttribute("aria-sort")`)).toBe(
      "descending",
    )
    expect(await page.evaluate("document.querySelector('#rows tr .number').textContent")).toBe(
      "96 ms",
    )
    await page.evaluate("document.querySelector('#all fieldset button').click()")
    expect(await page.evaluate("document.querySelector('#found').textContent")).toBe(
      "20 of 10,000 tests",
    )
    await page.close()
  })

  test("goes by keyboard alone, and shows where one is", async () => {
    const page = await opened(urls.red as string)
    const names: string[] = []
    for (let i = 0; i < 60; i++) {
      await page.press("Tab")
      const { name, outline } = await page.evaluate<{ name: string; outline: string }>(`(() => {
        const at = document.activeElement
        return { name: at === document.body ? "" : at.tagName + " " + (at.textContent || at.id).trim().slice(0, 20), outline: getComputedStyle(at).outlineStyle }
      })()`)
      if (name === "") break
      expect(outline, name).not.toBe("none")
      names.push(name)
    }
    expect(names[0]).toBe("A Skip to the results")
    for (const part of ["SUMMARY", "BUTTON Copy", "INPUT filter", "BUTTON Time"])
      expect(
        names.some((name) => name.startsWith(part)),
        part,
      ).toBe(true)
    await page.close()
  })
})
