/** A line that somebody else wrote, a log or a record of a registry, without what a terminal would obey. */
export const plain = (text: string): string =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: it is them that are taken out
  text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, "\ufffd")
