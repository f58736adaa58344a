/** What no answer may be, whatever was asked. Pure. */
import type { Protocol } from '@svyaz/system/listeners'

const answers = /HTTP\/1\.[01] (\d{3})[^\r\n]*\r\n([\s\S]*?)\r\n\r\n/g
const stack = /\n\s*at [^\n]*(?:file:|node:|\/)[^\n]*:\d+:\d+|\\n\s*at [^\n]*:\d+:\d+|\bat Object\.<anonymous>/

/** Statuses that invite to come again (RFC 9110, 15.6.4; RFC 6585, 4; reliability rule 23). */
const repeatable = new Set(['429', '503', '504'])

/** @returns what is wrong with an answer, one sentence each */
export function wrongIn(protocol: Protocol, answer: Buffer): string[] {
  const text = answer.toString('latin1')
  const wrong = stack.test(text) ? [`a stack was sent: ${JSON.stringify(stack.exec(text)?.[0].slice(0, 120))}`] : []
  if (protocol !== 'http' && protocol !== 'control') return wrong
  for (const [, status = '', fields = ''] of text.matchAll(answers)) {
    if (status === '500') wrong.push('it was answered 500')
    if (repeatable.has(status) && !/^retry-after: *\d+/im.test(fields)) wrong.push(`${status} came without Retry-After`)
  }
  return [...new Set(wrong)]
}
