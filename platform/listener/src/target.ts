/** Request targets read without a throw: `new URL('//', base)` is one, and any page can send it. Pure. */

export interface Target {
  /** Percent-encoded as it came, beginning with a slash; `*` for the server as a whole. */
  readonly path: string
  /** Without its `?`; empty when there is none. */
  readonly query: string
}

export const targetCharsMax = 8_192

/**
 * @param raw `request.url`: origin-form, absolute-form or `*` (RFC 9112, 3.2).
 * @returns undefined when it is none of them; 'too long' beyond `targetCharsMax`, which is 414
 */
export function readTarget(raw: string | undefined): Target | 'too long' | undefined {
  if (raw === undefined || raw === '') return undefined
  if (raw.length > targetCharsMax) return 'too long'
  if (raw === '*') return { path: '*', query: '' }
  const relative = raw.charCodeAt(0) === 0x2f ? raw : withoutAuthority(raw)
  if (relative === undefined) return undefined
  const mark = relative.indexOf('?')
  return mark === -1
    ? { path: relative, query: '' }
    : { path: relative.slice(0, mark), query: relative.slice(mark + 1) }
}

/** A server must take the absolute-form too (RFC 9112, 3.2.2). The authority is not used: Host was checked apart. */
function withoutAuthority(raw: string): string | undefined {
  const rest = /^https?:\/\/[^/?#\s]+(.*)$/i.exec(raw)?.[1]
  if (rest === undefined) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}
