/** A request against its route's contract. Pure: raw parts in, typed parts or one Failure with every fault out. */
import type { Fault } from '@svyaz/contracts/errors.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import { type Route, readsIfMatch, readsIfNoneMatch } from '@svyaz/contracts/vocabulary.ts'
import { z } from 'zod'
import { Failure } from '../failure.ts'
import { faultsOf } from './problem.ts'

export interface RawRequest {
  params: unknown
  query: unknown
  body: unknown
  headers: Readonly<Record<string, string | string[] | undefined>>
}

export interface ValidRequest {
  params: unknown
  query: unknown
  body: unknown
  idempotencyKey: string | undefined
  ifMatch: readonly string[] | undefined
}

/** What a part may hold when the contract does not speak of it: nothing. */
const nothing = z.strictObject({})
const noBody = nothing.optional()
const printableAscii = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/

const idempotencyKeyOf = (value: string | string[] | undefined, faults: Fault[]): string | undefined => {
  if (value === undefined) return undefined
  const max = limits.idempotencyKeyCharsMax
  if (typeof value === 'string' && value.length <= max && printableAscii.test(value)) return value
  faults.push({ in: 'header', pointer: '/idempotency-key', detail: `must be 1 to ${max} printable ASCII characters` })
  return undefined
}

/** A precondition (RFC 9110, 13.1) as it came; the only fault it can have is its length. */
const preconditionOf = (name: 'if-match' | 'if-none-match', raw: RawRequest, faults: Fault[]): string | undefined => {
  const value = raw.headers[name] as string | undefined
  const max = limits.entityTagsCharsMax
  if (value === undefined || value.length <= max) return value
  faults.push({ in: 'header', pointer: `/${name}`, detail: `must have at most ${max} characters` })
  return undefined
}

/**
 * RFC 9110, 13.1.1: If-Match compares strongly. A weak tag matches nothing, as what is not a tag at all does: the request
 * was to be done to one version only, and this isn't it. `*` asks for no more than that there is such a thing, which each
 * handler looks at anyway.
 */
const strongTagsOf = (ifMatch: string | undefined): readonly string[] | undefined => {
  if (ifMatch === undefined || ifMatch.trim() === '*') return undefined
  return ifMatch.split(',').flatMap((tag) => /^"([^"]*)"$/.exec(tag.trim())?.[1] ?? [])
}

/** Throws Failure `invalid_request` with all faults of all parts at once. */
export const validateRequest = (route: Route, raw: RawRequest): ValidRequest => {
  const faults: Fault[] = []
  const part = (where: Fault['in'], schema: z.ZodType, value: unknown): unknown => {
    const result = schema.safeParse(value)
    if (result.success) return result.data
    faults.push(...faultsOf(result.error, where))
    return undefined
  }
  const valid: ValidRequest = {
    params: part('path', route.params ?? nothing, raw.params),
    query: part('query', route.query ?? nothing, raw.query),
    body: part('body', route.body ?? noBody, raw.body),
    idempotencyKey: route.idempotencyKey ? idempotencyKeyOf(raw.headers['idempotency-key'], faults) : undefined,
    ifMatch: readsIfMatch(route) ? strongTagsOf(preconditionOf('if-match', raw, faults)) : undefined,
  }
  if (readsIfNoneMatch(route)) preconditionOf('if-none-match', raw, faults)
  if (faults.length > 0)
    throw new Failure(
      'invalid_request',
      `the request has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}`,
      {
        faults,
      },
    )
  return valid
}

/** RFC 8288: the same request with the cursor of the next page. */
export const nextLink = (url: string, cursor: string): string => {
  const [path = '/', query = ''] = url.split('?', 2)
  const parameters = new URLSearchParams(query)
  parameters.set('cursor', cursor)
  return `<${path}?${parameters}>; rel="next"`
}

/** RFC 9110, 13.1.2: weak comparison of `If-None-Match` with the version that would be sent. */
export const isNotModified = (ifNoneMatch: string | undefined, version: string | undefined): boolean => {
  if (version === undefined || ifNoneMatch === undefined) return false
  const tags = ifNoneMatch.split(',').map((tag) => tag.trim())
  return tags.some((tag) => tag === '*' || tag.replace(/^W\//, '') === `"${version}"`)
}
