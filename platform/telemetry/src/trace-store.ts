/**
 * The traces kept: bounded, the one that has been silent longest goes first. Spans are kept as the lines that go to the
 * disk, and read again when somebody asks; beside each stands only what finding needs. No I/O, no clock.
 */
import type { Span } from './span.ts'
import { spanOfLine } from './span-line.ts'
import { type Place, SpanMemory } from './span-memory.ts'

export type StoreLimits = {
  readonly spansMax: number
  /** Of memory that holds encoded spans. Beside it each costs some 200 bytes of heap. */
  readonly bytesMax: number
  /** One runaway trace must not push out all others. */
  readonly spansPerTraceMax: number
  readonly spanBytesMax: number
}

/** Who sent spans that are kept, and how many of them. */
export type Source = { readonly service: string; readonly instance: string; spanCount: number; errorCount: number }

/** A span: where its text is, and what finding needs of it. */
export type Kept = Place & {
  readonly source: Source
  readonly isError: boolean
  /** Traces that it links to, one for each link. */
  readonly linksTo: readonly string[]
}

export type Trace = {
  readonly traceId: string
  readonly spans: Map<string, Kept>
  /** The earliest that any of its spans had when it came. */
  startUnixNano: bigint
}

const noLinks: readonly string[] = []

export class TraceStore {
  tracesDropped = 0
  spansRefused = 0
  readonly #limits: StoreLimits
  readonly #memory: SpanMemory
  /** Silent longest first. */
  readonly #traces = new Map<string, Trace>()
  /** Trace that is linked to → traces with a span that links to it, with the number of such links. */
  readonly #linkedFrom = new Map<string, Map<string, number>>()
  /** By service, then by instance. */
  readonly #sources = new Map<string, Map<string, Source>>()
  #spans = 0

  constructor(limits: StoreLimits) {
    this.#limits = limits
    this.#memory = new SpanMemory(limits.bytesMax)
  }

  get spans(): number {
    return this.#spans
  }

  /** Of memory that holds spans. */
  get bytes(): number {
    return this.#memory.bytes
  }

  get traceCount(): number {
    return this.#traces.size
  }

  /** Silent longest first. */
  traces(): Iterable<Trace> {
    return this.#traces.values()
  }

  *sources(): Iterable<Source> {
    for (const instances of this.#sources.values()) yield* instances.values()
  }

  /**
   * Takes a span in; one sent again replaces itself.
   * @param line the span encoded by `lineOf`, or as it was read from the disk
   * @returns false when a limit refuses it
   */
  add(span: Span, line: string): boolean {
    const { traceId, spanId } = span
    const start = BigInt(span.startTimeUnixNano)
    const trace = this.#traces.get(traceId) ?? { traceId, spans: new Map<string, Kept>(), startUnixNano: start }
    const isFull = trace.spans.size >= this.#limits.spansPerTraceMax && !trace.spans.has(spanId)
    const bytes = Buffer.byteLength(line)
    if (isFull || bytes > this.#limits.spanBytesMax) {
      this.spansRefused += 1
      return false
    }
    this.#remove(trace, spanId)
    trace.spans.set(spanId, this.#keep(span, line, bytes))
    if (start < trace.startUnixNano) trace.startUnixNano = start
    // Behind all others: it has just spoken.
    this.#traces.delete(traceId)
    this.#traces.set(traceId, trace)
    const { spansMax, bytesMax } = this.#limits
    while ((this.#spans > spansMax || this.bytes > bytesMax) && this.#traces.size > 1) this.#dropSilentLongest()
    return true
  }

  /** The number of spans that are kept of a trace. */
  spanCount(traceId: string): number {
    return this.#traces.get(traceId)?.spans.size ?? 0
  }

  /** Whether this span of the trace is kept. */
  has(traceId: string, spanId: string): boolean {
    return this.#traces.get(traceId)?.spans.has(spanId) === true
  }

  /** The spans of a trace in the order of their start, undefined when the trace isn't kept. */
  spansOf(traceId: string): Span[] | undefined {
    const trace = this.#traces.get(traceId)
    return trace === undefined ? undefined : Array.from(trace.spans.values(), (kept) => this.span(kept)).sort(byStart)
  }

  /** Reads a span. */
  span(kept: Kept): Span {
    return spanOfLine(JSON.parse(this.line(kept).toString('utf8'))) as Span
  }

  /** A span's line as UTF-8: a view that holds until the next `add`. */
  line(kept: Kept): Buffer {
    return this.#memory.read(kept)
  }

  /** The traces that this one links to or is linked from; they need not be kept. */
  neighbours(traceId: string): Set<string> {
    const found = new Set<string>()
    for (const { linksTo } of this.#traces.get(traceId)?.spans.values() ?? [])
      for (const linked of linksTo) found.add(linked)
    for (const source of this.#linkedFrom.get(traceId)?.keys() ?? []) found.add(source)
    return found
  }

  #keep(span: Span, line: string, bytes: number): Kept {
    const source = this.#source(span.service, span.instance)
    const isError = span.status.code === 'error'
    const linksTo = span.links.length === 0 ? noLinks : span.links.map((link) => link.traceId)
    this.#spans += 1
    source.spanCount += 1
    if (isError) source.errorCount += 1
    for (const linked of linksTo) this.#countLink(linked, span.traceId, 1)
    const kept = { slab: undefined, at: 0, length: bytes, source, isError, linksTo }
    this.#memory.write(kept, line)
    return kept
  }

  #source(service: string, instance: string): Source {
    const instances = this.#sources.get(service) ?? new Map<string, Source>()
    const source = instances.get(instance) ?? { service, instance, spanCount: 0, errorCount: 0 }
    if (source.spanCount === 0) this.#sources.set(service, instances.set(instance, source))
    return source
  }

  #forget({ service, instance }: Source): void {
    const instances = this.#sources.get(service)
    instances?.delete(instance)
    if (instances?.size === 0) this.#sources.delete(service)
  }

  #dropSilentLongest(): void {
    const [trace] = this.#traces.values()
    if (trace === undefined) return
    for (const spanId of trace.spans.keys()) this.#remove(trace, spanId)
    this.#traces.delete(trace.traceId)
    this.tracesDropped += 1
  }

  #remove(trace: Trace, spanId: string): void {
    const kept = trace.spans.get(spanId)
    if (kept === undefined) return
    const { source, isError, linksTo } = kept
    trace.spans.delete(spanId)
    this.#memory.free(kept)
    this.#spans -= 1
    source.spanCount -= 1
    if (isError) source.errorCount -= 1
    if (source.spanCount === 0) this.#forget(source)
    for (const linked of linksTo) this.#countLink(linked, trace.traceId, -1)
  }

  #countLink(to: string, from: string, change: number): void {
    const sources = this.#linkedFrom.get(to) ?? new Map<string, number>()
    const count = (sources.get(from) ?? 0) + change
    if (count > 0) sources.set(from, count)
    else sources.delete(from)
    if (sources.size > 0) this.#linkedFrom.set(to, sources)
    else this.#linkedFrom.delete(to)
  }
}

/** Order of spans by when they began; by id where that is the same. */
export function byStart(a: Span, b: Span): number {
  const difference = BigInt(a.startTimeUnixNano) - BigInt(b.startTimeUnixNano)
  return difference < 0n ? -1 : difference > 0n ? 1 : a.spanId < b.spanId ? -1 : 1
}
