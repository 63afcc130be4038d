declare const PYLINE_VERSION: string | undefined

/** Version of pyline; a build puts it in. */
export const version = typeof PYLINE_VERSION === "string" ? PYLINE_VERSION : "0.0.0-source"
