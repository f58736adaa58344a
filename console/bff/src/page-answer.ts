/** How a file of the page is answered: in the smallest form that the client takes, or not again. Pure. RFC 9110. */
import type { Coding, PageFile } from './page-files.ts'

/** As a browser sends them, in lower case. */
export interface PageRequest {
  readonly 'accept-encoding'?: string | string[] | undefined
  readonly 'if-none-match'?: string | string[] | undefined
}

export interface PageAnswer {
  readonly status: 200 | 304
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer | undefined
}

/**
 * The form of a file for a request; 304 without a body when the client holds it.
 * @param request its headers
 */
export function pageAnswer(file: PageFile, request: PageRequest): PageAnswer {
  const coding = codingOf(String(request['accept-encoding'] ?? ''), [...file.forms.keys()])
  const form = (coding === 'identity' ? undefined : file.forms.get(coding)) ?? file.plain
  const headers = {
    etag: form.etag,
    ...(file.forms.size === 0 ? {} : { vary: 'accept-encoding' }),
    'cache-control': file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache',
  }
  if (holds(String(request['if-none-match'] ?? ''), form.etag)) return { status: 304, headers, body: undefined }
  return {
    status: 200,
    headers: {
      ...headers,
      'content-type': file.type,
      'content-length': form.body.length,
      ...(form === file.plain ? {} : { 'content-encoding': coding }),
    },
    body: form.body,
  }
}

/**
 * The coding to use: the client's weight decides, then our order. RFC 9110, 12.5.3.
 * @param accepted the value of `Accept-Encoding`
 * @param ours best first
 */
export function codingOf(accepted: string, ours: readonly Coding[]): Coding | 'identity' {
  const weights = new Map(
    accepted
      .toLowerCase()
      .split(',')
      .map((part): [string, number] => {
        const [name = '', ...parameters] = part.split(';').map((text) => text.trim())
        const weight = parameters.find((text) => text.startsWith('q='))
        return [name === 'x-gzip' ? 'gzip' : name, weight === undefined ? 1 : Number(weight.slice(2)) || 0]
      }),
  )
  const weightOf = (name: string) => weights.get(name) ?? weights.get('*') ?? 0
  const [best] = ours.filter((name) => weightOf(name) > 0).toSorted((a, b) => weightOf(b) - weightOf(a))
  // What is preferred above ours is rare, yet the client's to say.
  return best === undefined || (weights.get('identity') ?? 0) > weightOf(best) ? 'identity' : best
}

/** Compared weakly, as If-None-Match is: RFC 9110, 13.1.2. */
const holds = (ifNoneMatch: string, etag: string): boolean =>
  ifNoneMatch.trim() === '*' ||
  ifNoneMatch
    .split(',')
    .map((tag) => tag.trim().replace(/^W\//, ''))
    .includes(etag)
