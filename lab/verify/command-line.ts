/** A request and its answer as a person would type and see them. */
import type { Answer, Ask } from '@svyaz/observe/http.ts'
import type { TopicRecord } from '@svyaz/observe/topics.ts'

/** The request as a line for the shell; a token is never shown. */
export function commandLine(method: string, url: string, { token, headers, body }: Ask = {}): string {
  return [
    'curl',
    ...(method === 'GET' ? [] : ['-X', method]),
    url,
    ...(token === undefined ? [] : ['-H "authorization: Bearer $TOKEN"']),
    ...Object.entries(headers ?? {}).map(([name, value]) => `-H '${name}: ${value}'`),
    ...(body === undefined ? [] : [`-H 'content-type: application/json' -d '${hidden(body)}'`]),
  ].join(' ')
}

const hidden = (body: unknown): string =>
  JSON.stringify(body, (name, value) => (/password|token/i.test(name) ? '…' : value))

/** Status and the beginning of the body. */
export function answerLine({ status, body }: Pick<Answer, 'status' | 'body'>, charsMax = 160): string {
  const text = typeof body === 'string' ? body.replaceAll(/\s+/g, ' ') : hidden(body)
  return `${status} ${text.length > charsMax ? `${text.slice(0, charsMax)} …` : text}`.trim()
}

/** A record as it is printed: where it is, and what it is. */
export const recordLine = ({ topic, partition, offset, type, id }: TopicRecord): string =>
  `${topic} partition ${partition} offset ${offset}: ${type} ${id}`
