/** What the palette finds for what was typed. Pure. */

export interface Item {
  readonly kind: 'page' | 'process' | 'order' | 'trace' | 'log' | 'topic'
  readonly text: string
  /** Other words by which it is found: its name in the other language, a path. */
  readonly also: string
  readonly to: string
}

export const itemsMax = 12

const traceId = /^[0-9a-f]{32}$/i
const orderId = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export interface ItemWords {
  openOrder(id: string): string
  openTrace(id: string): string
  searchLogs(text: string): string
}

/**
 * The best items first. What was typed may also be an id, or words that stand in a log: those are offered as they are.
 * @param pages which paths this console has: nothing leads to a page that isn't there
 */
export function findItems(typed: string, items: readonly Item[], pages: ReadonlySet<string>, words: ItemWords): Item[] {
  const text = typed.trim().toLowerCase()
  if (text === '') return items.slice(0, itemsMax)
  const found = items
    .map((item) => ({ item, rank: rankOf(text, item) }))
    .filter(({ rank }) => rank < Number.POSITIVE_INFINITY)
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item)
  const direct: Item[] = []
  const id = typed.trim()
  if (orderId.test(id)) direct.push({ kind: 'order', text: words.openOrder(id), also: '', to: `/orders/${id}` })
  if (traceId.test(id) && pages.has('traces'))
    direct.push({ kind: 'trace', text: words.openTrace(id), also: '', to: `/traces/${id.toLowerCase()}` })
  const inLogs: Item[] =
    text.length >= 3 && pages.has('logs')
      ? [{ kind: 'log', text: words.searchLogs(id), also: '', to: `/logs?q=${encodeURIComponent(id)}` }]
      : []
  return [...direct, ...found.slice(0, itemsMax - direct.length - inLogs.length), ...inLogs]
}

/** The start of a name before the start of a word in it, before its middle, before letters in order. */
function rankOf(typed: string, { text, also }: Item): number {
  const name = text.toLowerCase()
  const all = `${name} ${also.toLowerCase()}`
  if (name.startsWith(typed)) return 0
  if (all.split(/[\s.\-/]+/).some((word) => word.startsWith(typed))) return 1
  if (all.includes(typed)) return 2
  let at = 0
  for (const letter of typed) {
    at = name.indexOf(letter, at) + 1
    if (at === 0) return Number.POSITIVE_INFINITY
  }
  return 3
}
