/** Receives spans over OTLP/HTTP (JSON) and answers traces, alone or joined along their links: `receiver.ts` says how. */
import { close, createListener, type Log, listen } from '@svyaz/stage'
import { defaultLimits, type Limits } from './limits.ts'
import { Receiver } from './receiver.ts'
import { openSegments } from './segments.ts'
import { spanOfLine } from './span-line.ts'
import { TraceStore } from './trace-store.ts'

export type { TraceSummary } from './find-traces.ts'
export type { Joined } from './join.ts'
export { defaultLimits, type Limits } from './limits.ts'
export type { Attributes, AttributeValue, Span, SpanKind, SpanReference, StatusCode } from './span.ts'

export type TelemetryOptions = {
  /** Where the span files live; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** Host names, beside the loopback ones, under which traces may be read. */
  readonly allowedHosts?: readonly string[]
  readonly limits?: Partial<Limits>
  readonly log?: Log
}

export type Telemetry = AsyncDisposable & { readonly port: number; readonly url: string }

/**
 * Reads the spans kept on the disk, then opens the port.
 * @throws when the folder can't be used or the port is taken
 */
export async function startTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const { host = '127.0.0.1', allowedHosts = [], log = () => {} } = options
  const limits = { ...defaultLimits, ...options.limits }
  const store = new TraceStore(limits)
  let diskFaulty = false
  const segments = await openSegments(
    options.directory,
    limits,
    (value, line) => {
      const span = spanOfLine(value)
      if (span !== undefined) store.add(span, line)
    },
    (error) => {
      if (!diskFaulty) log('warn', 'spans are kept in memory only: the disk refuses them', { error: String(error) })
      diskFaulty = true
    },
  )
  store.tracesDropped = 0
  const receiver = new Receiver(store, segments, limits, allowedHosts, log)
  const server = createListener(log, (...exchange) => receiver.answer(...exchange), {
    allowedHosts,
    connections: limits,
  })
  let port: number
  try {
    port = await listen(server, options.port ?? 0, host)
  } catch (error) {
    await segments[Symbol.asyncDispose]()
    throw error
  }
  return {
    port,
    url: `http://${host}:${port}`,
    async [Symbol.asyncDispose]() {
      receiver.stopping = true
      await close(server, 5_000)
      await segments[Symbol.asyncDispose]()
    },
  }
}
