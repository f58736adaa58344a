/** Levels of arrays and objects in a body; the same as for services (contracts/json.ts, which this may not import). */
export const jsonDepthMax = 64

/**
 * JSON of a bounded depth. V8 parses any, but whoever walks the value afterwards, JSON.stringify among them, does it by
 * recursion and dies of it.
 *
 * @throws SyntaxError saying what is wrong, for the caller's answer
 */
export function parseJson(text: string): unknown {
  if (nestsTooDeep(text)) throw new SyntaxError(`the body nests deeper than ${jsonDepthMax} arrays and objects`)
  try {
    return JSON.parse(text)
  } catch {
    throw new SyntaxError('the body is not JSON')
  }
}

function nestsTooDeep(text: string): boolean {
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
      if (depth > jsonDepthMax) return true
    } else if (code === 0x5d || code === 0x7d) depth -= 1
  }
  return false
}
