/** Where a stream begins: after which of the user's frames. Pure. */

/**
 * @param query `cursor`: after this frame; 0 or absent: from the first one, or with `from=now` from the present
 * @param last the user's newest frame
 * @returns the cursor, or why the stream is refused
 */
export function startOf(query: URLSearchParams, last: number): number | string {
  const text = query.get('cursor') ?? '0'
  if (!/^\d{1,15}$/.test(text)) return 'cursor must be a whole number in decimal digits'
  const from = query.get('from')
  if (from !== null && from !== 'now') return 'from may be "now" only'
  const cursor = Number(text)
  if (cursor > last) return `cursor is beyond the newest frame, ${last}: start again without it`
  return cursor === 0 && from === 'now' ? last : cursor
}
