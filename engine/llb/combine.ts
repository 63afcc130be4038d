import { type Fs, type Output, vertex } from "./vertex.ts"

/** The trees laid over each other, without copying. */
export function merge(layers: Output[]): Output {
  const op = { merge: { inputs: layers.map((_, input) => ({ input })) } }
  return { vertex: vertex(op, { name: "merge", inputs: layers }), index: 0 }
}

/** What `upper` has beyond `lower`, as a tree; removals leave nothing. */
export function diff(lower: Fs, upper: Fs): Output {
  const inputs: Output[] = []
  const index = (fs: Fs) => (fs ? inputs.push(fs) - 1 : -1)
  const op = { diff: { lower: { input: index(lower) }, upper: { input: index(upper) } } }
  return { vertex: vertex(op, { name: "diff", inputs }), index: 0 }
}
