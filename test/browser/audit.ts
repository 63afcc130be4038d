import type { Page } from "./page.ts"

/** What keeps people from using a page: with a keyboard, a screen reader, a phone, or weak eyes. */
export async function audit(page: Page): Promise<string[]> {
  const named = ["button", "link", "textbox", "searchbox", "DisclosureTriangle", "group", "table"]
  const nameless = (await page.accessible())
    .filter(({ role, name }) => named.includes(role) && name.trim() === "")
    // Folds and sets of buttons are groups, which need none.
    .filter(({ role }) => role !== "group")
    .map(({ role }) => `a ${role} without a name`)
  return [...nameless, ...(await page.evaluate<string[]>(`(${inPage})()`))]
}

/** Runs in the page; as text, since it is another world with other types. */
const inPage = String.raw`() => {
  const problems = []
  const expect = (is, problem) => is || problems.push(problem)
  const all = (selector) => [...document.querySelectorAll(selector)]
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true })

  expect(document.documentElement.lang !== "", "no language")
  for (const landmark of ["body > header", "main", "body > footer", "nav[aria-label]", "h1"])
    expect(all(landmark).length === 1, "not one " + landmark)
  let level = 0
  for (const heading of all("h1, h2, h3, h4, h5, h6").filter(isShown)) {
    const own = Number(heading.tagName[1])
    expect(own <= level + 1, "a level is left out before: " + heading.textContent)
    level = own
  }
  const ids = all("[id]").map(({ id }) => id)
  expect(new Set(ids).size === ids.length, "an id is there twice")
  for (const link of all('a[href^="#"]').filter(isShown))
    expect(document.getElementById(link.hash.slice(1)), "a link to nothing: " + link.hash)
  for (const table of all("table")) {
    expect(table.caption?.textContent, "a table without a caption")
    expect([...table.querySelectorAll("th")].every(({ scope }) => scope), "a heading of no column or row")
  }
  for (const one of all("pre, .scroll"))
    if (isShown(one) && one.scrollWidth + one.scrollHeight > one.clientWidth + one.clientHeight)
      expect(one.tabIndex === 0, "only a mouse can scroll: " + one.outerHTML.slice(0, 80))
  expect(document.documentElement.scrollWidth <= innerWidth, "wider than the window")

  const numbers = (colour) => colour.match(/[\d.]+/g).map(Number)
  const over = ([r, g, b, a = 1], [R, G, B]) => [r, g, b].map((c, i) => c * a + [R, G, B][i] * (1 - a))
  const ground = (element) => {
    const layers = []
    for (let at = element; at; at = at.parentElement) layers.push(numbers(getComputedStyle(at).backgroundColor))
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255])
  }
  const luminance = (colour) => {
    const [r, g, b] = colour.map((c) => (c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
  const weak = new Set()
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement
    if (walker.currentNode.data.trim() === "" || /^(script|style)$/i.test(element.tagName) || !isShown(element)) continue
    const style = getComputedStyle(element)
    const [light, dark] = [over(numbers(style.color), ground(element)), ground(element)].map(luminance).sort((a, b) => b - a)
    const isLarge = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && style.fontWeight >= 700)
    const contrast = (light + 0.05) / (dark + 0.05)
    if (contrast < (isLarge ? 3 : 4.5)) weak.add(element.className + ": contrast " + contrast.toFixed(2))
  }
  return [...problems, ...weak]
}`
