/** Levels of arrays and objects that a body may have, at every edge. */
export const jsonDepthMax = 64

/**
 * Whether the brackets of a JSON text nest deeper than a body of ours may. V8 parses any depth, but whoever walks the
 * value afterwards, JSON.stringify among them, does it by recursion and dies of it; so the text is looked at first.
 * What is not JSON gets no verdict of use: the parser refuses it. RFC 8259, 9 allows such a limit. Pure.
 */
export function nestsTooDeep(text: string, depthMax: number = jsonDepthMax): boolean {
  let depth = 0
  let inString = false
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (inString) {
      if (code === 0x5c) at += 1
      else if (code === 0x22) inString = false
    } else if (code === 0x22) inString = true
    else if (code === 0x5b || code === 0x7b) {
      depth += 1
      if (depth > depthMax) return true
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return false
}
