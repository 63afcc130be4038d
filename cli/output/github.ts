/**
 * GitHub's runner takes lines of the output as commands (`::set-env …`, `##[group]`). What a step prints
 * is fenced with a token that it cannot know, so that the runner ignores all commands in it.
 */
export interface Fence {
  open: string
  close: string
}

/** @param token random, new for each run */
export function fence(token: string): Fence {
  return { open: `::stop-commands::${token}`, close: `::${token}::` }
}

/**
 * Makes lines of a text no commands, where a fence would be in the way: what a verb returns may be
 * caught by a script. Only lines that the runner would obey are changed.
 */
export function defuse(text: string): string {
  return text.replace(/^(\s*):(?=:)/gm, "$1: ").replace(/##(?=\[)/g, "## ")
}

/** The name of a group, which ends at the line's end and is no place for a command. */
export function groupName(name: string): string {
  return name.replace(/[\r\n]+/g, " ").replace(/%/g, "%25")
}
