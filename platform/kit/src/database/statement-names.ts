/**
 * Names for statements that come again, so that the server parses and plans each of them once per connection
 * (https://www.postgresql.org/docs/18/sql-prepare.html) instead of every time: about a third of its work for statements
 * as small as ours.
 */

/** What one connection keeps prepared at most. A service has fewer, unless its texts hold lists of every length. */
export const preparedMax = 200

/**
 * @returns the name of a statement's text from its second coming on; undefined when it came once (a list of that many
 *   values, say) or when there are too many already
 */
export const createStatementNames = (max = preparedMax): ((text: string) => string | undefined) => {
  const names = new Map<string, string>()
  let once = new Set<string>()
  return (text) => {
    const name = names.get(text)
    if (name !== undefined || names.size >= max) return name
    if (once.delete(text)) {
      const given = `svyaz_${names.size + 1}`
      names.set(text, given)
      return given
    }
    if (once.size >= max) once = new Set()
    once.add(text)
    return undefined
  }
}
