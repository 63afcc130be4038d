/** Version of Pyline, as in package.json: documents about images say who made them. */
export const VERSION = "0.1.0"
