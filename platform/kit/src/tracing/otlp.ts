/**
 * Spans as OTLP/HTTP takes them, in its JSON form (opentelemetry-proto, `ExportTraceServiceRequest`). Pure. Written as
 * text at once: every message of the relay has five spans, and objects made only to be serialized cost most of an export.
 */
import type { KitEnvironment } from '../process/environment.ts'
import type { FinishedSpan } from './tracing.ts'

const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

type AttributeValue = string | number | boolean

const anyValue = (value: AttributeValue): string => {
  if (typeof value === 'string') return `{"stringValue":${JSON.stringify(value)}}`
  if (typeof value === 'boolean') return `{"boolValue":${value}}`
  if (Number.isSafeInteger(value)) return `{"intValue":"${value}"}`
  // NaN and the infinities are strings in the JSON mapping (proto3).
  return `{"doubleValue":${Number.isFinite(value) ? value : `"${value}"`}}`
}

/** Names of attributes stand in the code and are few; of those that come on top only this many are remembered. */
const keysRememberedMax = 1_000
const keyTexts = new Map<string, string>()

const keyText = (key: string): string => {
  const known = keyTexts.get(key)
  if (known !== undefined) return known
  const text = `{"key":${JSON.stringify(key)},"value":`
  if (keyTexts.size < keysRememberedMax) keyTexts.set(key, text)
  return text
}

const keyValues = (attributes: Readonly<Record<string, AttributeValue>>): string => {
  let text = ''
  for (const key in attributes) {
    const value = attributes[key]
    if (value === undefined) continue
    text += `${text === '' ? '' : ','}${keyText(key)}${anyValue(value)}}`
  }
  return `[${text}]`
}

/** One span. Its ids are hex of our own making or were checked when they came in (`parseTraceparent`): no escape. */
export const otlpSpan = (span: FinishedSpan): string =>
  `{"traceId":"${span.traceId}","spanId":"${span.spanId}",${span.parentSpanId ? `"parentSpanId":"${span.parentSpanId}",` : ''}` +
  `"name":${JSON.stringify(span.name)},"kind":${kinds[span.kind]},` +
  `"startTimeUnixNano":"${span.startMicros}000","endTimeUnixNano":"${span.endMicros}000",` +
  `"attributes":${keyValues(span.attributes)},"links":${span.links.length === 0 ? '[]' : JSON.stringify(span.links)},` +
  `"status":${span.error === undefined ? '{}' : `{"code":2,"message":${JSON.stringify(span.error)}}`}}`

/** What stands around the spans of one process. */
export const otlpFrame = (environment: KitEnvironment): { head: string; tail: string } => {
  const resource = keyValues({
    'service.name': environment.service,
    'service.instance.id': environment.instance,
    'deployment.environment.name': environment.profile,
  })
  return {
    head: `{"resourceSpans":[{"resource":{"attributes":${resource}},"scopeSpans":[{"scope":{"name":"@svyaz/kit"},"spans":[`,
    tail: ']}]}]}',
  }
}
