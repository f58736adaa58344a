/** A JSON log line as a person reads it: time, who, level, message, the rest as name=value. */
import type { Style, Terminal } from './terminal.ts'

/** pino's numbers and everybody's names. */
const levels: Readonly<Record<string, { word: string; style: Style }>> = {
  10: { word: 'trace', style: 'dim' },
  20: { word: 'debug', style: 'dim' },
  30: { word: 'info ', style: 'green' },
  40: { word: 'warn ', style: 'yellow' },
  50: { word: 'error', style: 'red' },
  60: { word: 'fatal', style: 'red' },
}
const names: Readonly<Record<string, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50, fatal: 60 }

/** Fields that every line repeats. */
const everywhere = new Set(['time', 'level', 'msg', 'service', 'instance', 'pid', 'hostname', 'v'])

/** @param text a line of a log; one that isn't a JSON object is shown as it is. */
export function pretty(instance: string, text: string, terminal: Terminal): string {
  const fields = parse(text)
  const who = terminal.paint('cyan', instance)
  if (!fields) return `${who}  ${printable(text)}`
  const level = levels[String(names[String(fields.level)] ?? fields.level)] ?? levels[30]!
  const rest = Object.entries(fields)
    .filter(([name]) => !everywhere.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
  return [
    terminal.paint('dim', clock(fields.time)),
    who,
    terminal.paint(level.style, level.word),
    printable(String(fields.msg ?? '')),
    terminal.paint('dim', printable(rest.join(' '))),
  ]
    .join('  ')
    .trimEnd()
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

/** Local time of day with milliseconds. */
function clock(time: unknown): string {
  const at = new Date(typeof time === 'number' ? time : String(time))
  if (Number.isNaN(at.getTime())) return ' '.repeat(12)
  const two = (value: number) => String(value).padStart(2, '0')
  const milliseconds = String(at.getMilliseconds()).padStart(3, '0')
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}.${milliseconds}`
}

/** A log carries what strangers sent: their escape sequences must not reach the terminal. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it removes.
export const printable = (text: string): string => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '�')
