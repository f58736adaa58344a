import { jsonDepthMax, nestsTooDeep } from '@svyaz/listener'

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
