import type { Write } from "./reporter.ts"

/** A way out that can be held for a while: what is written meanwhile comes out in order after it. */
export class Gate {
  readonly #write: Write
  #held: string[] | undefined

  constructor(write: Write) {
    this.#write = write
  }

  readonly write: Write = (text) => {
    if (this.#held) this.#held.push(text)
    else this.#write(text)
  }

  get isHeld(): boolean {
    return this.#held !== undefined
  }

  hold(): void {
    this.#held ??= []
  }

  release(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const text of held) this.#write(text)
  }
}
