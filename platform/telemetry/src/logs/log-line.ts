/**
 * One line of a process's output as a log line. Processes write JSON objects (pino and the like); PostgreSQL, and what a
 * runtime itself has to say, write text. Pure.
 */
import type { AttributeValue } from '../spans/span.ts'

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

export type LogLine = {
  /** Tells it from all others. */
  readonly id: string
  readonly atMs: number
  readonly level: LogLevel
  readonly service: string
  readonly instance: string
  readonly text: string
  readonly traceId?: string
  readonly spanId?: string
  readonly fields: Readonly<Record<string, AttributeValue>>
}

/** A line whose time isn't in it has that of the line before it. */
export type ReadLine = Omit<LogLine, 'id' | 'atMs'> & { readonly atMs: number | undefined }

/** Longer texts are cut: a line is to be read. */
const textCharsMax = 8_192
/** Of a Date. */
const timeMsMax = 8.64e15
const known = new Set(['time', 'level', 'service', 'instance', 'msg', 'traceId', 'spanId'])
const levelNames: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  notice: 'info',
  log: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
}

/** @param instance whose output it is; a line may name another one, as the supervisor's remarks do */
export function readLogLine(line: string, instance: string): ReadLine {
  return readJson(line, instance) ?? readText(line, instance)
}

function readJson(line: string, instance: string): ReadLine | undefined {
  if (!line.startsWith('{')) return undefined
  let value: Record<string, AttributeValue>
  try {
    value = JSON.parse(line) as Record<string, AttributeValue>
  } catch {
    return undefined
  }
  const atMs = typeof value.time === 'string' ? Date.parse(value.time) : Number(value.time ?? Number.NaN)
  return {
    atMs: atMs >= 0 && atMs <= timeMsMax ? Math.trunc(atMs) : undefined,
    level: levelOf(value.level),
    service: textOr(value.service, serviceOf(instance)),
    instance: textOr(value.instance, instance),
    text: textOr(value.msg, '').slice(0, textCharsMax),
    ...hex(value.traceId, 32, 'traceId'),
    ...hex(value.spanId, 16, 'spanId'),
    fields: Object.fromEntries(Object.entries(value).filter(([name]) => !known.has(name))),
  }
}

/** `2026-11-26 17:40:56.123 UTC [4711] orders@orders LOG:  text`: the log_line_prefix of system/src/postgres. */
const postgres = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?) UTC \[\d+\][^:]*?\b([A-Z]+):\s+(.*)$/s

function readText(line: string, instance: string): ReadLine {
  const [, day, hour, word = '', rest] = postgres.exec(line) ?? []
  return {
    atMs: day === undefined ? undefined : Date.parse(`${day}T${hour}Z`),
    level: levelNames[word.toLowerCase()] ?? 'info',
    service: serviceOf(instance),
    instance,
    text: (rest ?? line).slice(0, textCharsMax),
    fields: {},
  }
}

/** pino's numbers, or names. */
function levelOf(value: AttributeValue | undefined): LogLevel {
  if (typeof value === 'number') return value >= 50 ? 'error' : value >= 40 ? 'warn' : value >= 30 ? 'info' : 'debug'
  return levelNames[String(value).toLowerCase()] ?? 'info'
}

/** The service of an instance: `orders-2` is one of `orders`. */
export const serviceOf = (instance: string): string => instance.replace(/-\d+$/, '')

const textOr = (value: AttributeValue | undefined, other: string): string =>
  typeof value === 'string' && value !== '' ? value : other

const hex = (value: AttributeValue | undefined, digits: number, name: 'traceId' | 'spanId') =>
  typeof value === 'string' && value.length === digits && /^[0-9a-f]+$/.test(value) ? { [name]: value } : {}
