/** What the page's address asks of a topic, as the server takes it. Pure. */

/** @param asked the address; its time is of the person's clock, without a zone */
export function questionOf(asked: URLSearchParams): string {
  const question = new URLSearchParams({ limit: '200' })
  const from = asked.get('from') ?? 'newest'
  const text = asked.get('time') ?? ''
  const time = new Date(/^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? text : Number.NaN)
  const offset = asked.get('offset') ?? ''
  // What is half written asks for what was there before.
  if (from === 'oldest') question.set('from', from)
  if (from === 'time' && !Number.isNaN(time.getTime())) {
    question.set('from', from)
    question.set('time', time.toISOString())
  }
  if (from === 'offset') {
    question.set('from', from)
    question.set('offset', /^\d{1,15}$/.test(offset) ? offset : '0')
  }
  for (const name of ['partition', 'key', 'header', 'path']) {
    const value = asked.get(name)
    if (value) question.set(name, value)
  }
  return question.toString()
}

/** JSON with its lines, other text as it is. */
export function readable(value: string): string {
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}
