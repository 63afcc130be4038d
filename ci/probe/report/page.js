// The page says all that matters without this. It adds the list of all tests, the steps, and buttons.
const read = (id) => JSON.parse(document.getElementById(id).textContent || "null")
const find = (selector, within = document) => within.querySelector(selector)

/** An element with attributes and children; text is never taken for HTML. */
function make(tag, attributes = {}, ...children) {
  const svg = ["svg", "rect", "use"].includes(tag)
  const element = svg
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag)
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value)
  element.append(...children)
  return element
}

function time(ms) {
  if (ms < 99.5) return `${Math.round(ms)} ms`
  if (ms < 9950) return `${(ms / 1000).toFixed(1)} s`
  const seconds = Math.round(ms / 1000)
  return seconds < 60
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")} s`
}

/** Its word stands beside it. */
const icon = (state) =>
  make(
    "svg",
    { class: `icon ${state}`, "aria-hidden": "true" },
    make("use", { href: `#i-${state}` }),
  )

/* All tests */

const WORDS = { p: "passed", f: "failed", e: "error", s: "skipped", x: "xfailed", "-": "not run" }
const SHADES = { f: "red", e: "red", s: "quiet", x: "quiet", p: "", "-": "quiet" }
const PIECE = 200

function tests({ runs, ids, outcomes, ms }) {
  const all = find("#all")
  const rows = find("#rows")
  const more = find("#more")
  const box = find("#filter")
  const lower = ids.map((id) => id.toLowerCase())
  // The worst of all runs decides where a test belongs.
  const worst = ids.map((_, i) =>
    [..."fepxs-"].find((letter) => outcomes.some((run) => run[i] === letter)),
  )
  const state = { text: "", outcome: "", by: "", down: true }
  let found = []

  const columns = [
    ["name", "Test", "wide-cell"],
    ...runs.map((run) => ["", run.replace(/^python-/, "Python "), "outcome"]),
    ["time", "Time", "number"],
  ]
  const heads = columns.map(([key, text, cls]) => {
    const cell = make(
      "th",
      { scope: "col", class: cls },
      key === "" ? text : make("button", { type: "button" }, text),
    )
    if (key !== "")
      cell.firstChild.addEventListener("click", () => {
        state.down = state.by === key ? !state.down : key === "time"
        state.by = key
        for (const other of heads) other.removeAttribute("aria-sort")
        cell.setAttribute("aria-sort", state.down ? "descending" : "ascending")
        search()
      })
    return cell
  })
  find("thead tr", all).append(...heads)

  const kinds = ["f", "e", "p", "s", "x"].map((letter) => [
    letter,
    worst.filter((one) => one === letter).length,
  ])
  const buttons = kinds
    .filter(([, count]) => count > 0)
    .map(([letter, count]) => {
      const button = make(
        "button",
        { type: "button", "aria-pressed": "false" },
        `${WORDS[letter]} ${count.toLocaleString("en")}`,
      )
      button.addEventListener("click", () => {
        state.outcome = state.outcome === letter ? "" : letter
        for (const other of buttons)
          other.setAttribute("aria-pressed", String(other === button && state.outcome !== ""))
        search()
      })
      return button
    })
  if (buttons.length > 1) find("fieldset", all).append(...buttons)

  function search() {
    const words = state.text.toLowerCase().split(/\s+/).filter(Boolean)
    found = []
    for (let i = 0; i < ids.length; i++)
      if (
        (state.outcome === "" || worst[i] === state.outcome) &&
        words.every((word) => lower[i].includes(word))
      )
        found.push(i)
    const sign = state.down ? -1 : 1
    if (state.by === "time") found.sort((a, b) => sign * (ms[a] - ms[b]))
    if (state.by === "name")
      found.sort((a, b) => sign * (ids[a] < ids[b] ? -1 : ids[a] > ids[b] ? 1 : 0))
    rows.replaceChildren()
    show()
  }

  /** The next piece of the list: ten thousand rows at once would make the page slow. */
  function show() {
    const from = rows.childElementCount
    const part = document.createDocumentFragment()
    for (const i of found.slice(from, from + PIECE)) {
      const cells = outcomes.map((run) =>
        make("td", { class: `outcome ${SHADES[run[i]]}` }, WORDS[run[i]]),
      )
      part.append(
        make(
          "tr",
          {},
          make("th", { scope: "row", class: "wide-cell" }, make("code", {}, ids[i])),
          ...cells,
          make("td", { class: "number" }, time(ms[i])),
        ),
      )
    }
    rows.append(part)
    const shown = rows.childElementCount
    const left = found.length - shown
    more.hidden = left === 0
    more.textContent = `Show ${Math.min(PIECE, left)} more`
    const few = left === 0 ? "" : `, the first ${shown.toLocaleString("en")} are shown`
    find("#found").textContent =
      `${found.length.toLocaleString("en")} of ${ids.length.toLocaleString("en")} tests${few}`
  }

  let timer
  box.addEventListener("input", () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      state.text = box.value
      search()
    }, 80)
  })
  find(".filter", all).addEventListener("submit", (event) => event.preventDefault())
  more.addEventListener("click", () => {
    const next = rows.childElementCount
    show()
    // Who goes on with the keyboard is at the first new row.
    const row = rows.children[next]
    row.tabIndex = -1
    row.focus({ preventScroll: true })
  })
  all.hidden = false
  search()
}

/* Steps of the run, which the command adds */

const SAYS = { done: "ran", cached: "cached", failed: "failed", canceled: "cancelled" }
const ICONS = { cached: "cached", failed: "failed", canceled: "skipped" }

function steps({ steps, saved }) {
  const section = find("#steps-shown")
  const ran = steps.filter(({ status }) => status !== "cached")
  const start = Math.min(...ran.map((step) => step.start))
  const end = Math.max(...ran.map((step) => step.start + step.ms))
  const note = [
    `${steps.length} steps: ${steps.length - ran.length} from the cache, ${ran.length} ran`,
  ]
  if (ran.length > 0) note.push(`in ${time(end - start)}`)
  if (saved > 0) note.push(`· the cache saved ${time(saved)}`)
  const rows = steps.map((step) => {
    const isCached = step.status === "cached"
    const lane = make("svg", {
      class: `bar lane ${step.status === "failed" ? "failed" : ""}`,
      "aria-hidden": "true",
    })
    if (!isCached)
      lane.append(
        make("rect", { class: "track", width: "100%", height: "100%" }),
        make("rect", {
          class: "fill",
          x: `${(100 * (step.start - start)) / (end - start || 1)}%`,
          width: `${Math.max(0.5, (100 * step.ms) / (end - start || 1))}%`,
          height: "100%",
        }),
      )
    return make(
      "tr",
      {},
      make("th", { scope: "row", class: "wide-cell" }, make("code", {}, step.name)),
      make(
        "td",
        { class: "outcome step" },
        ...(ICONS[step.status] ? [icon(ICONS[step.status])] : []),
        SAYS[step.status],
      ),
      make(
        "td",
        { class: "number" },
        isCached ? (step.before ? `saved ${time(step.before)}` : "") : time(step.ms),
      ),
      make("td", { class: "bar-cell" }, lane),
    )
  })
  const heads = [
    ["Step", "wide-cell"],
    ["Result", "outcome"],
    ["Time", "number"],
    ["When", "bar-cell"],
  ]
  const table = make(
    "table",
    {},
    make("caption", { class: "unseen" }, "Steps of the run"),
    make(
      "thead",
      {},
      make("tr", {}, ...heads.map(([text, cls]) => make("th", { scope: "col", class: cls }, text))),
    ),
    make("tbody", {}, ...rows),
  )
  section.append(
    make("h2", { id: "h-steps" }, "Steps"),
    make("p", { class: "note" }, note.join(" ")),
    make(
      "div",
      { class: "scroll", tabindex: "0", role: "group", "aria-label": "Steps of the run" },
      table,
    ),
  )
  section.setAttribute("aria-labelledby", "h-steps")
  section.hidden = false
  find("#to-steps").hidden = false
}

/* Buttons and links */

function copying(button) {
  button.hidden = false
  button.addEventListener("click", async () => {
    const code = find("code", button.parentElement)
    try {
      await navigator.clipboard.writeText(code.textContent)
      button.textContent = "Copied"
    } catch {
      getSelection().selectAllChildren(code)
      button.textContent = "Selected"
    }
    setTimeout(() => {
      button.textContent = "Copy"
    }, 1500)
  })
}

function openingAll(button) {
  if (!button) return
  button.hidden = false
  button.addEventListener("click", () => {
    const all = [...document.querySelectorAll(".failures details")]
    const open = !all.every((one) => one.open)
    for (const one of all) one.open = open
    button.textContent = open ? "Close all" : "Open all"
  })
}

/** What went wrong stands at the end of a long traceback. */
function scrolled(details) {
  if (!details.open) return
  for (const pre of details.querySelectorAll("pre")) {
    const wrong = find(".e", pre)
    if (wrong && pre.scrollTop === 0)
      pre.scrollTop = wrong.offsetTop - pre.offsetTop - pre.clientHeight / 2
  }
}

/** A link into something that is folded opens it. */
function unfold() {
  const target =
    location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)))
  if (target && target.tagName === "DETAILS") target.open = true
}

const data = read("data")
if (data.ids.length > 0) tests(data)
const run = read("steps")
if (run) steps(run)
for (const button of document.querySelectorAll(".copy")) copying(button)
openingAll(find("#open-all"))
for (const details of document.querySelectorAll(".failures details")) {
  details.addEventListener("toggle", () => scrolled(details))
  scrolled(details)
}
addEventListener("hashchange", unfold)
unfold()
