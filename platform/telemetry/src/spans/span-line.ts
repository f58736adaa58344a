/**
 * A span as one line of JSON, in memory and on the disk: an array of its members in a fixed order, because their names
 * would be a third of it. Lines of earlier versions are the span itself, as an object; they are read as they are.
 */
import { parsed } from '../history/parsed.ts'
import type { Span } from './span.ts'

/** Encodes a span: `spanOfLine` of the parsed line gives it back. */
export function lineOf(span: Span): string {
  return JSON.stringify([
    span.traceId,
    span.spanId,
    span.parentSpanId ?? 0,
    span.name,
    span.kind,
    span.service,
    span.instance,
    span.startTimeUnixNano,
    span.endTimeUnixNano,
    span.attributes,
    span.status.code,
    span.status.message ?? 0,
    span.links.length === 0 ? 0 : span.links,
    span.events.length === 0 ? 0 : span.events,
  ] satisfies Line)
}

/** 0: absent or empty. */
type Line = readonly [
  traceId: string,
  spanId: string,
  parentSpanId: string | 0,
  name: string,
  kind: Span['kind'],
  service: string,
  instance: string,
  startTimeUnixNano: string,
  endTimeUnixNano: string,
  attributes: Span['attributes'],
  code: Span['status']['code'],
  message: string | 0,
  links: Span['links'] | 0,
  events: Span['events'] | 0,
]

/** The span of a line as it is kept; undefined when it isn't one, or not whole. */
export const spanOfText = (line: unknown): Span | undefined => spanOfLine(parsed(String(line)))

/** @param value a parsed line
 * @returns undefined when it isn’t a span of this program's making: enough is looked at to work with it */
export function spanOfLine(value: unknown): Span | undefined {
  const span = Array.isArray(value) ? fromMembers(value as unknown as Line) : value
  return isSpan(span) ? span : undefined
}

function fromMembers(line: Line): unknown {
  const [traceId, spanId, parentSpanId, name, kind, service, instance, startTimeUnixNano, endTimeUnixNano] = line
  const [, , , , , , , , , attributes, code, message, links, events] = line
  return {
    traceId,
    spanId,
    ...(parentSpanId === 0 ? {} : { parentSpanId }),
    name,
    kind,
    service,
    instance,
    startTimeUnixNano,
    endTimeUnixNano,
    attributes,
    status: { code, ...(message === 0 ? {} : { message }) },
    links: links === 0 ? [] : links,
    events: events === 0 ? [] : events,
  }
}

function isSpan(value: unknown): value is Span {
  const span = value as Partial<Span> | null
  return (
    typeof span === 'object' &&
    span !== null &&
    typeof span.traceId === 'string' &&
    typeof span.spanId === 'string' &&
    /^\d+$/.test(span.startTimeUnixNano ?? '') &&
    /^\d+$/.test(span.endTimeUnixNano ?? '') &&
    Array.isArray(span.links) &&
    typeof span.attributes === 'object' &&
    typeof span.status === 'object'
  )
}
