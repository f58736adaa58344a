/**
 * Decodes an OTLP `ExportTraceServiceRequest` in its JSON form. The rules are those of the OTLP specification, section
 * "JSON Protobuf Encoding": ids are hex in any case, enums are integers, 64-bit integers are decimal strings or
 * numbers, unknown members are ignored; a member that is null or absent has its default (proto3 JSON mapping).
 */
import { type Span, type SpanKind, type StatusCode, spanKinds } from '../spans/span.ts'
import { Malformed } from './malformed.ts'
import { attributes, type Json, list, object, resourceOf, text } from './values.ts'

export type Decoded = { readonly spans: readonly Span[]; readonly rejected: number; readonly firstFault: string }

/**
 * Valid spans are taken, others counted as rejected (OTLP "Partial Success").
 * @param request parsed JSON
 * @throws Malformed when the envelope itself has the wrong shape
 */
export function decodeTraces(request: unknown): Decoded {
  const spans: Span[] = []
  let rejected = 0
  let firstFault = ''
  for (const resourceSpans of list(object(request, 'the body').resourceSpans, 'resourceSpans')) {
    const { resource, scopeSpans } = object(resourceSpans, 'resourceSpans[]')
    const { service, instance } = resourceOf(resource)
    for (const each of list(scopeSpans, 'scopeSpans'))
      for (const value of list(object(each, 'scopeSpans[]').spans, 'spans')) {
        try {
          spans.push(span(object(value, 'spans[]'), service, instance))
        } catch (error) {
          if (!(error instanceof Malformed)) throw error
          rejected += 1
          firstFault ||= error.message
        }
      }
  }
  return { spans, rejected, firstFault }
}

function span(value: Json, service: string, instance: string): Span {
  const parentSpanId =
    value.parentSpanId == null || value.parentSpanId === '' ? undefined : id(value.parentSpanId, 16, 'parentSpanId')
  const status = value.status == null ? {} : object(value.status, 'status')
  const message = text(status.message)
  return {
    traceId: id(value.traceId, 32, 'traceId'),
    spanId: id(value.spanId, 16, 'spanId'),
    ...(parentSpanId === undefined ? {} : { parentSpanId }),
    name: text(value.name),
    kind: kind(value.kind),
    service,
    instance,
    startTimeUnixNano: nanoseconds(value.startTimeUnixNano, 'startTimeUnixNano'),
    endTimeUnixNano: nanoseconds(value.endTimeUnixNano, 'endTimeUnixNano'),
    attributes: attributes(value.attributes),
    status: { code: statusCode(status.code), ...(message === '' ? {} : { message }) },
    links: list(value.links, 'links').map((each) => {
      const link = object(each, 'links[]')
      return { traceId: id(link.traceId, 32, 'link traceId'), spanId: id(link.spanId, 16, 'link spanId') }
    }),
    events: list(value.events, 'events').map((each) => {
      const event = object(each, 'events[]')
      return {
        name: text(event.name),
        timeUnixNano: nanoseconds(event.timeUnixNano, 'event timeUnixNano'),
        attributes: attributes(event.attributes),
      }
    }),
  }
}

/** All zeroes is invalid (trace.proto). */
function id(value: unknown, digits: number, what: string): string {
  if (typeof value !== 'string' || value.length !== digits || !/^[0-9a-f]+$/i.test(value) || /^0+$/.test(value))
    throw new Malformed(`${what} must be ${digits} hex digits, not all zero`)
  return value.toLowerCase()
}

function nanoseconds(value: unknown, what: string): string {
  if (value == null) return '0'
  // As nearly all are: nothing to bring into form.
  if (typeof value === 'string' && /^[1-9]\d{0,18}$/.test(value)) return value
  if (typeof value === 'string' && /^\d{1,20}$/.test(value)) return BigInt(value).toString()
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 2 ** 64)
    return BigInt(value).toString()
  throw new Malformed(`${what} must be a whole number of nanoseconds, as a decimal string`)
}

/** Unspecified and unknown kinds may be taken as internal (trace.proto, SpanKind). */
const kind = (value: unknown): SpanKind =>
  typeof value === 'number' ? (spanKinds[value - 1] ?? 'internal') : 'internal'

const statusCode = (value: unknown): StatusCode => (value === 1 ? 'ok' : value === 2 ? 'error' : 'unset')
