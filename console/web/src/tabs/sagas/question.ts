/** What the address asks for, as the console's server is asked. Pure. */

/** Ages that can be chosen, in seconds; '' is any. */
export const ages = ['', '10', '60', '600', '3600', '86400'] as const

/** Sagas on one page. */
export const pageSize = 50

/** @param asked what the address says behind its `?`: `status`, `sort`, `age`, `cursor` */
export function questionOf(asked: URLSearchParams): string {
  const question = new URLSearchParams({ status: asked.get('status') ?? 'running', limit: String(pageSize) })
  if (asked.get('sort') === 'oldest') question.set('sort', 'oldest')
  const age = asked.get('age') ?? ''
  if (/^\d{1,8}$/.test(age)) question.set('olderThanSeconds', age)
  const cursor = asked.get('cursor')
  if (cursor !== null) question.set('cursor', cursor)
  return question.toString()
}

/** Of a selection, by what each status has; a status that isn't there counts nothing. */
export function countOf(
  selection: string,
  totals: readonly { readonly status: string; readonly count: number }[],
  isFinal: (status: string) => boolean,
): number {
  const own = totals.filter(({ status }) => {
    if (selection === 'all') return true
    if (selection === 'running') return !isFinal(status)
    if (selection === 'finished') return isFinal(status)
    return status === selection
  })
  return own.reduce((sum, { count }) => sum + count, 0)
}
