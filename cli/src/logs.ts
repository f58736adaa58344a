import { existsSync, readdirSync } from 'node:fs'
import { followLines, lastLines, logFile } from '@svyaz/system/supervisor/log-reader.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import { topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { CliError, exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import { pretty } from './pretty-log.ts'
import { wholeNumber } from './whole-number.ts'

interface Line {
  readonly instance: string
  readonly text: string
}

/** Reads the files, not the supervisor: what a dead system said is what one wants to know. */
export async function logs({ positionals, flags, config, terminal }: Invocation): Promise<number> {
  const { logs: directory } = placesIn(config.home)
  const instances = choose(directory, positionals)
  const count = wholeNumber(flags.lines, 20)
  const widest = Math.max(...instances.map((name) => name.length))
  const show = ({ instance, text }: Line) =>
    terminal.print(flags.json ? text : pretty(instance.padEnd(widest), text, terminal))

  const past = instances.flatMap((instance) =>
    lastLines(logFile(directory, instance), count).map((text) => ({ instance, text })),
  )
  for (const line of byTime(past)) show(line)
  if (!flags.follow) return exitCodes.ok

  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  await Promise.all(
    instances.map(async (instance) => {
      for await (const text of followLines(logFile(directory, instance), stop.signal)) show({ instance, text })
    }),
  )
  return exitCodes.ok
}

const processNames = topology.processes.map(({ name }) => name)
const serviceOf = (instance: string): string => instance.replace(/-\d+$/, '')
const belongs = (name: string): boolean => processNames.includes(serviceOf(name))

/** Instances that have a log, all of them or those that a name means: `orders` means `orders-1`, `orders-2` … */
function choose(directory: string, names: readonly string[]): string[] {
  const files = existsSync(directory) ? readdirSync(directory) : []
  const known = files.flatMap((file) => file.match(/^(.+-\d+)\.log$/)?.[1] ?? []).sort()
  if (known.length === 0 && names.every((name) => belongs(name)))
    throw new CliError(`nothing has written a log in ${directory} yet`)
  if (names.length === 0) return known
  return names.flatMap((name) => {
    const meant = known.filter((instance) => instance === name || serviceOf(instance) === name)
    if (meant.length > 0) return meant
    const services = [...new Set([...known.map(serviceOf), ...processNames])]
    const guess = nearest(name, [...services, ...known])
    const hint = guess && guess !== name ? `did you mean ${guess}?` : `there are ${services.join(', ')}`
    throw new UsageError(`"${name}" has written no log in ${directory}; ${hint}`)
  })
}

/** Merges by the time each line names; a line without one stays behind the line before it. */
function byTime(lines: readonly Line[]): Line[] {
  let last = 0
  let lastInstance = ''
  return lines
    .map((line, index) => {
      if (line.instance !== lastInstance) last = 0
      lastInstance = line.instance
      last = timeOf(line.text) ?? last
      return { line, at: last, index }
    })
    .sort((a, b) => a.at - b.at || a.index - b.index)
    .map(({ line }) => line)
}

/** Milliseconds since 1970. Services write JSON with `time`; PostgreSQL begins its lines with one. */
function timeOf(text: string): number | undefined {
  const written =
    text.match(/"time":"?([^",}]+)/)?.[1] ?? text.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d+)? UTC/)?.[0]
  if (!written) return undefined
  const at = /^\d+$/.test(written) ? Number(written) : Date.parse(written)
  return Number.isNaN(at) ? undefined : at
}
