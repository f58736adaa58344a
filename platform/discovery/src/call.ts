/** A request as the routes see it, and readers of its query that refuse what Consul refuses. */
import { parseDuration } from './duration.ts'
import { compileFilter } from './filter.ts'
import type { Limits } from './limits.ts'
import { Refusal } from './refusal.ts'

export interface Call {
  readonly params: Readonly<Record<string, string>>
  readonly query: URLSearchParams
  readonly body: Buffer
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  /** `json` is written by the edge (`?pretty`), `text` and `bytes` as they are. */
  readonly json?: unknown
  readonly text?: string
  readonly bytes?: Buffer
}

/** How long and above which index a blocking query waits; null for a plain read. */
export interface Wait {
  readonly index: number
  readonly waitMs: number
}

/** @throws Refusal 400 on an index or a wait that cannot be read */
export function readWait(query: URLSearchParams, limits: Limits, random: () => number): Wait | null {
  const indexText = query.get('index') ?? ''
  if (indexText !== '' && !/^\d{1,20}$/.test(indexText)) throw new Refusal(400, 'Invalid index')
  const waitText = query.get('wait') ?? ''
  const asked = waitText === '' ? 0 : parseDuration(waitText)
  if (asked === undefined) throw new Refusal(400, 'Invalid wait time')
  const index = Number(indexText)
  if (index === 0) return null
  const waitMs = Math.min(asked === 0 ? limits.waitMsDefault : asked, limits.waitMsMax)
  return { index, waitMs: waitMs + (random() * waitMs) / limits.waitJitterDivisor }
}

/** Checks what each read may carry: consistency modes (all the same on one node) and the data center. */
export function checkReadOptions(query: URLSearchParams, datacenter: string): void {
  if (query.has('stale') && query.has('consistent')) {
    throw new Refusal(400, 'Cannot specify ?stale with ?consistent, conflicting semantics.')
  }
  const asked = query.get('dc') ?? ''
  if (asked !== '' && asked !== datacenter) throw new Refusal(500, 'No path to datacenter')
}

/** True, false or absent, spelled as Go's `ParseBool` takes it; present without a value is true. */
export function readFlag(query: URLSearchParams, name: string): boolean | undefined {
  const value = query.get(name)
  if (value === null) return undefined
  if (value === '' || /^(?:1|t|T|TRUE|true|True)$/.test(value)) return true
  if (/^(?:0|f|F|FALSE|false|False)$/.test(value)) return false
  throw new Refusal(400, `Invalid value for ?${name}`)
}

/** @throws Refusal 400 when it is not a whole number from zero up */
export function readCount(query: URLSearchParams, name: string): number | null {
  const value = query.get(name)
  if (value === null) return null
  const count = Number(value)
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(count)) throw new Refusal(400, `Invalid value for ?${name}`)
  return count
}

/** Applies `?filter=` to a list. @throws Refusal 400 when the expression is wrong */
export function filtered<T>(query: URLSearchParams, items: readonly T[], limits: Limits): readonly T[] {
  const expression = query.get('filter') ?? ''
  if (expression === '') return items
  if (expression.length > limits.filterCharactersMax) throw new Refusal(400, 'The filter is too long')
  return items.filter(compileFilter(expression))
}
