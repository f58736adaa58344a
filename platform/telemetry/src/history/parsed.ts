/** What was written as JSON, of a file that may have been damaged since. */

/** @returns undefined when it isn't JSON */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
