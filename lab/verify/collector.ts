/** A collector of OTLP/HTTP of our own: what services export is looked at where Datadog's or New Relic's would stand. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** One export request, reduced to what is judged. */
export interface OtlpExport {
  readonly path: string
  readonly contentType: string
  /** `service.name` of the resource; empty when there is none. */
  readonly service: string
  /** Trace ids of its spans. */
  readonly spans: readonly string[]
  /** Spans that lack what the protocol requires, by what they lack. */
  readonly faults: readonly string[]
}

interface SentSpan {
  readonly traceId?: unknown
  readonly spanId?: unknown
  readonly name?: unknown
  readonly startTimeUnixNano?: unknown
  readonly endTimeUnixNano?: unknown
}

interface SentRequest {
  readonly resourceSpans?: readonly {
    readonly resource?: {
      readonly attributes?: readonly { readonly key?: string; readonly value?: { readonly stringValue?: string } }[]
    }
    readonly scopeSpans?: readonly { readonly spans?: readonly SentSpan[] }[]
  }[]
}

/**
 * A body in the JSON mapping of `ExportTraceServiceRequest` (opentelemetry-proto: ids in hex, times as decimal strings),
 * one export for each resource. Pure.
 */
export function readExport(path: string, contentType: string, body: string): OtlpExport[] {
  const broken = (fault: string): OtlpExport[] => [{ path, contentType, service: '', spans: [], faults: [fault] }]
  let request: SentRequest
  try {
    request = JSON.parse(body) as SentRequest
  } catch {
    return broken('the body is not JSON')
  }
  const { resourceSpans } = request
  if (resourceSpans === undefined) return broken('resourceSpans is missing')
  return resourceSpans.map(({ resource, scopeSpans }) => {
    const spans = (scopeSpans ?? []).flatMap((scope) => scope.spans ?? [])
    const service = resource?.attributes?.find(({ key }) => key === 'service.name')?.value?.stringValue ?? ''
    return {
      path,
      contentType,
      service,
      spans: spans.map(({ traceId }) => String(traceId)),
      faults: [...new Set(spans.flatMap(spanFaults))],
    }
  })
}

const forms: Readonly<Record<keyof SentSpan, RegExp>> = {
  traceId: /^[0-9a-f]{32}$/i,
  spanId: /^[0-9a-f]{16}$/i,
  name: /./,
  startTimeUnixNano: /^\d{19}$/,
  endTimeUnixNano: /^\d{19}$/,
}

const spanFaults = (span: SentSpan): string[] =>
  (Object.keys(forms) as (keyof SentSpan)[])
    .filter((field) => typeof span[field] !== 'string' || !forms[field].test(String(span[field])))
    .map((field) => `a span's ${field} is ${JSON.stringify(span[field]) ?? 'missing'}`)

/** The export of a service that has a span of that trace. */
export const isOf = (one: OtlpExport, service: string, traceId: string): boolean =>
  one.service === service && one.spans.includes(traceId)

/** What is wrong with an export, a sentence each. */
export function exportFaults({ path, contentType, service, faults }: OtlpExport): string[] {
  const who = service || 'somebody'
  return [
    ...(service === '' ? ['an export names no service'] : []),
    ...(path === '/v1/traces' ? [] : [`${who} exports to ${path}, OTLP/HTTP takes traces at /v1/traces`]),
    ...(/^application\/json\b/.test(contentType) ? [] : [`${who} exports as ${contentType}`]),
    ...faults.map((fault) => `${who}: ${fault}`),
  ]
}

/** One export for each service, with the spans of that trace alone: as much as a judgement needs. */
export function summarized(exports: readonly OtlpExport[], traceId: string): OtlpExport[] {
  const of = new Map<string, OtlpExport>()
  for (const one of exports) {
    const known = of.get(one.service)
    const spans = one.spans.filter((id) => id === traceId)
    // A faulty one is kept as it is: it must not hide behind a good one.
    if (one.faults.length > 0) of.set(`${one.service} ${of.size}`, { ...one, spans })
    else if (known === undefined) of.set(one.service, { ...one, spans })
    else of.set(one.service, { ...known, spans: [...known.spans, ...spans] })
  }
  return [...of.values()]
}

export class OtlpCollector implements AsyncDisposable {
  readonly exports: OtlpExport[] = []
  readonly #server: Server

  private constructor() {
    this.#server = createServer(async (request, response) => {
      const body = await textOf(request)
      if (request.method === 'POST')
        this.exports.push(...readExport(request.url ?? '', request.headers['content-type'] ?? '', body))
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  }

  /** Listens on loopback. @throws Error when the port is taken. */
  static async on(port: number): Promise<OtlpCollector> {
    const collector = new OtlpCollector()
    await new Promise<void>((resolve, reject) => {
      collector.#server.once('error', reject).listen(port, '127.0.0.1', () => resolve())
    })
    return collector
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = ''
  request.setEncoding('utf8')
  for await (const part of request) text += part
  return text
}
