/** OTLP log records as log lines (opentelemetry-proto, logs.proto and the log data model's severity numbers). */
import type { LogLevel, LogLine } from '../logs/log-line.ts'
import type { Attributes, AttributeValue } from '../spans/span.ts'
import { Malformed } from './malformed.ts'
import { anyValue, attributes, list, object, resourceOf } from './values.ts'

export type NewLine = Omit<LogLine, 'id'>
export type DecodedLogs = { readonly lines: readonly NewLine[]; readonly rejected: number; readonly firstFault: string }

const textCharsMax = 8_192

/** @param request in the JSON mapping
 * @param nowMs for records that don't say when
 * @throws Malformed when the envelope itself has the wrong shape */
export function decodeLogs(request: unknown, nowMs: number): DecodedLogs {
  const lines: NewLine[] = []
  let rejected = 0
  let firstFault = ''
  for (const each of list(object(request, 'the body').resourceLogs, 'resourceLogs')) {
    const { resource, scopeLogs } = object(each, 'resourceLogs[]')
    const source = resourceOf(resource)
    for (const scope of list(scopeLogs, 'scopeLogs'))
      for (const record of list(object(scope, 'scopeLogs[]').logRecords, 'logRecords')) {
        try {
          lines.push(lineOf(object(record, 'logRecords[]'), source, nowMs))
        } catch (error) {
          if (!(error instanceof Malformed)) throw error
          rejected += 1
          firstFault ||= error.message
        }
      }
  }
  return { lines, rejected, firstFault }
}

function lineOf(
  record: Record<string, unknown>,
  { service, instance }: { readonly service: string; readonly instance: string },
  nowMs: number,
): NewLine {
  const body = anyValue(record.body, 0)
  return {
    atMs: timeOf(record.timeUnixNano) ?? timeOf(record.observedTimeUnixNano) ?? nowMs,
    level: levelOf(record.severityNumber, record.severityText),
    service,
    instance: instance || service,
    text: textOf(body).slice(0, textCharsMax),
    ...idOf(record.traceId, 32, 'traceId'),
    ...idOf(record.spanId, 16, 'spanId'),
    fields: fieldsOf(body, attributes(record.attributes)),
  }
}

/** A record's body may be a map of its own. */
const fieldsOf = (body: AttributeValue, own: Attributes): Attributes =>
  typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...(body as Attributes), ...own } : own

const textOf = (body: AttributeValue): string => {
  if (typeof body === 'string') return body
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body === null ? '' : JSON.stringify(body)
  const { message, msg } = body as Record<string, AttributeValue>
  return typeof message === 'string' ? message : typeof msg === 'string' ? msg : ''
}

function timeOf(value: unknown): number | undefined {
  const ms = Number(value ?? 0) / 1e6
  return Number.isFinite(ms) && ms >= 1 && ms < 8.64e15 ? Math.trunc(ms) : undefined
}

/** 1 to 4 TRACE, 5 to 8 DEBUG, 9 to 12 INFO, 13 to 16 WARN, 17 to 24 ERROR and FATAL. */
function levelOf(number: unknown, text: unknown): LogLevel {
  if (typeof number === 'number' && number > 0)
    return number >= 17 ? 'error' : number >= 13 ? 'warn' : number >= 9 ? 'info' : 'debug'
  const name = typeof text === 'string' ? text.toLowerCase() : ''
  return /^(?:fatal|err)/.test(name)
    ? 'error'
    : /^warn/.test(name)
      ? 'warn'
      : /^(?:debug|trace)/.test(name)
        ? 'debug'
        : 'info'
}

const idOf = (value: unknown, digits: number, name: 'traceId' | 'spanId') =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/i.test(value) && !/^0+$/.test(value)
    ? { [name]: value.toLowerCase() }
    : {}
