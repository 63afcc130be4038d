import type { Client } from "@dagger.io/dagger"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { OpenTerminal } from "../../engine/client.ts"
import { OwnEngine } from "./servers/engine.ts"

// `Container.terminal()` at a terminal that is this test: what it shows, and what is typed at it.

let engine: OwnEngine
beforeAll(async () => {
  engine = await OwnEngine.create()
})
afterAll(() => engine?.remove())

type Moves = Parameters<NonNullable<Parameters<typeof engine.open>[0]>["openTerminal"] & {}>[0]

/** A terminal whose user types something each time that it asks for it. */
class Person {
  shown = ""
  opened = 0
  closed = 0
  #moves: Moves = () => {}
  #waiting: { text: string; resolve(): void } | undefined

  readonly openTerminal = (moves: Moves): OpenTerminal => {
    this.opened++
    this.#moves = moves
    return {
      rows: 40,
      cols: 100,
      term: "dumb",
      show: (data) => {
        this.shown += data.toString()
        moves({ seen: data.length })
        if (this.#waiting && this.shown.includes(this.#waiting.text)) this.#waiting.resolve()
      },
      close: () => {
        this.closed++
      },
    }
  }

  type(text: string): void {
    this.#moves({ data: Buffer.from(text).toString("base64") })
  }

  async sees(text: string): Promise<void> {
    if (this.shown.includes(text)) return
    await new Promise<void>((resolve) => {
      this.#waiting = { text, resolve }
    })
  }
}

const base = (client: Client) => client.container().from("python:3.11-slim")

test("a shell sees what a step would, at the size and of the kind of the terminal", async () => {
  const person = new Person()
  await engine.session(
    async (client) => {
      const container = base(client)
        .withMountedDirectory("/mounted", client.directory().withNewFile("file", "in a mount"))
        .withMountedSecret("/run/secret", client.setSecret("token", "sesame"))
        .withEnvVariable("WORD", "a word")
        .withSecretVariable("TOKEN", client.setSecret("other", "open"))
        .withExec(["sh", "-c", "echo made > /made"])
        .withWorkdir("/work/here")
      const ended = container.terminal().sync()
      const lines = [
        "stty size; echo $TERM $((6*7)); pwd\r",
        "cat /made /mounted/file /run/secret; echo; echo $WORD $TOKEN; touch /later\r",
        "exit 3\r",
      ]
      await person.sees("# ")
      for (const line of lines) person.type(line)
      await ended
      expect(await container.withExec(["ls", "/"]).stdout()).not.toContain("later")
    },
    { openTerminal: person.openTerminal },
  )
  expect(person.shown).toContain("40 100\r\ndumb 42\r\n/work/here\r\n")
  expect(person.shown).toContain("made\r\nin a mountsesame\r\na word open\r\n")
  expect(person).toMatchObject({ opened: 1, closed: 1 })
})

test("a command of one's own, as the user of the container", async () => {
  const person = new Person()
  await engine.session(
    (client) =>
      base(client)
        .withUser("nobody")
        .terminal({ cmd: ["sh", "-c", "id -un; stat -c %U $(tty); echo $0 $1", "a", "b c"] })
        .sync(),
    { openTerminal: person.openTerminal },
  )
  expect(person.shown).toBe("nobody\r\nnobody\r\na b c\r\n")
})

test("a second one waits for the first", async () => {
  const person = new Person()
  await engine.session(
    async (client) => {
      const one = (word: string) =>
        base(client)
          .terminal({ cmd: ["sh", "-c", `read line; echo ${word} $line`] })
          .sync()
      const both = Promise.all([one("first"), one("second")])
      while (person.opened === 0) await new Promise((resolve) => setTimeout(resolve, 20))
      person.type("a\r")
      while (person.opened === 1) await new Promise((resolve) => setTimeout(resolve, 20))
      expect(person.closed).toBe(1)
      person.type("b\r")
      await both
    },
    { openTerminal: person.openTerminal },
  )
  expect(
    person.shown
      .replace(/^[ab]\r\n/gm, "")
      .split("\r\n")
      .sort()
      .filter(Boolean),
  ).toEqual(person.shown.includes("first a") ? ["first a", "second b"] : ["first b", "second a"])
})

test("without a terminal it says so", async () => {
  await expect(engine.session((client) => base(client).terminal().sync())).rejects.toThrow(
    "this client has no terminal",
  )
})

test("what Dagger can do in a terminal and this engine cannot is refused", async () => {
  const wish = engine.session((client) =>
    base(client).terminal({ insecureRootCapabilities: true }).sync(),
  )
  await expect(wish).rejects.toThrow(
    "terminal(insecureRootCapabilities) is not supported by the embedded engine, use --engine dagger",
  )
})

test("a client that leaves takes its shell with it", async () => {
  const person = new Person()
  const word = `${Date.now()}`
  const { engine: session, client } = await engine.open({ openTerminal: person.openTerminal })
  const ended = base(client)
    .terminal({ cmd: ["sh", "-c", `echo here; sleep 1000.${word}`] })
    .sync()
    .catch((error: Error) => error)
  await person.sees("here")
  await session.close()
  expect(await ended).toBeInstanceOf(Error)
  expect(person.closed).toBe(1)
})
