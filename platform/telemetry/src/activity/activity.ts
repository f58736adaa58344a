/**
 * Rate, errors and duration of every operation and of every edge, counted as spans come in: in cells of ten seconds, of
 * a minute when they are older than a quarter of an hour, for an hour. Asking costs what is asked for, not what there was.
 * Clock is an argument; no I/O.
 */
import type { Span } from '../spans/span.ts'
import { type Cell, type CellRow, Cells } from './cells.ts'
import { type Edge, type EdgeProtocol, edgeOfSpan, outsideOf, protocolOf } from './edge-of-span.ts'

export type Operation = { readonly service: string; readonly operation: string; readonly kind: Span['kind'] }
export type Measured = { readonly durationMs: number; readonly isError: boolean }

export type ActivityLimits = {
  /** Operations and edges that are told apart; spans of more are only counted. */
  readonly rowsMax: number
  /** Halves of edges that wait for the other half. */
  readonly halvesMax: number
}

/** A span's clock may be ahead of ours by this much and still be about now. */
const aheadMsMax = 60_000
const keptMs = 3_600_000

/** Of names: longer ones are cut, and are one with others that begin the same. */
const nameCharsMax = 200

/** What of a span is needed when the other half comes: its attributes may be large. */
type Half = {
  readonly service: string
  readonly protocol: EdgeProtocol
  readonly outside: string | undefined
  readonly measured: Measured
  readonly atMs: number
}

export class Activity {
  /** Spans that weren't counted: their clock is off, or there are too many names. */
  spansOutside = 0
  readonly operations: Cells<Operation>
  readonly edges: Cells<Edge>
  readonly #limits: ActivityLimits
  /** By their own id, and by that of their parent. First in, first out. */
  readonly #exits = new Map<string, Half>()
  readonly #entries = new Map<string, Half>()
  #heard: ((edge: Edge, measured: Measured) => void) | undefined

  constructor(limits: ActivityLimits) {
    this.#limits = limits
    this.operations = new Cells(limits.rowsMax)
    this.edges = new Cells(limits.rowsMax)
  }

  /** Hears of every edge from now on; one listener at a time, undefined for none. */
  listen(heard: ((edge: Edge, measured: Measured) => void) | undefined): void {
    this.#heard = heard
  }

  take(span: Span, nowMs: number): void {
    const endMs = Number(span.endTimeUnixNano) / 1e6
    if (!(endMs > nowMs - keptMs && endMs < nowMs + aheadMsMax)) {
      this.spansOutside += 1
      return
    }
    const atMs = Math.min(endMs, nowMs)
    const durationMs = Math.max(0, endMs - Number(span.startTimeUnixNano) / 1e6)
    const measured = { durationMs, isError: span.status.code === 'error' }
    const { kind } = span
    const [service, operation] = [cut(span.service), cut(span.name)]
    const key = `${service}\0${kind}\0${operation}`
    if (!this.operations.add(key, () => ({ service, operation, kind }), measured, atMs)) this.spansOutside += 1
    const edge = edgeOfSpan(span)
    if (edge === 'exit' || edge === 'entry') {
      const outside = edge === 'exit' ? outsideOf(span) : undefined
      this.#half(edge, span, { service, protocol: protocolOf(span), outside: outside && cut(outside), measured, atMs })
    } else if (edge !== undefined)
      this.#count({ from: cut(edge.from), to: cut(edge.to), protocol: edge.protocol }, measured, atMs)
  }

  #half(side: 'exit' | 'entry', span: Span, half: Half): void {
    const ownKey = side === 'exit' ? span.spanId : (span.parentSpanId ?? '')
    const [own, others] = side === 'exit' ? [this.#exits, this.#entries] : [this.#entries, this.#exits]
    const other = others.get(ownKey)
    if (other === undefined) {
      own.set(ownKey, half)
      if (own.size > this.#limits.halvesMax) this.#giveUpOldest(own)
      return
    }
    others.delete(ownKey)
    const [exit, entry] = side === 'exit' ? [half, other] : [other, half]
    if (exit.service === entry.service) return
    const [from, to] = [`service:${exit.service}`, `service:${entry.service}`]
    this.#count({ from, to, protocol: entry.protocol }, entry.measured, entry.atMs)
  }

  /** An exit that nobody met went outside. */
  #giveUpOldest(halves: Map<string, Half>): void {
    const [[key, half] = []] = halves
    if (key === undefined || half === undefined) return
    halves.delete(key)
    if (halves === this.#exits) this.#countOutside(half)
  }

  /** What has waited longer than this won't be met any more, and what is an hour old is over. Call it before asking. */
  settle(nowMs: number, patienceMs = 10_000): void {
    for (const halves of [this.#exits, this.#entries])
      for (const half of halves.values()) {
        if (half.atMs > nowMs - patienceMs) break
        this.#giveUpOldest(halves)
      }
    this.operations.forget(nowMs)
    this.edges.forget(nowMs)
  }

  #countOutside({ service, protocol, outside, measured, atMs }: Half): void {
    if (outside !== undefined) this.#count({ from: `service:${service}`, to: outside, protocol }, measured, atMs)
  }

  #count(edge: Edge, measured: Measured, atMs: number): void {
    const key = `${edge.from}\0${edge.to}\0${edge.protocol}`
    if (!this.edges.add(key, () => edge, measured, atMs)) this.spansOutside += 1
    this.#heard?.(edge, measured)
  }
}

/** A copy: a part of a text keeps all of it in memory. */
const cut = (text: string): string =>
  text.length <= nameCharsMax ? text : Buffer.from(text.slice(0, nameCharsMax)).toString()

export type { Cell, CellRow, Edge, EdgeProtocol }
