/** The telemetry's answers and live frames, by way of the console's server (contracts/telemetry.ts). */
import type { LiveFrame, LiveWish, TelemetryReply } from '@svyaz/contracts/telemetry.ts'
import { read } from './connection.ts'

const paths = {
  traces: '/traces',
  services: '/services',
  red: '/red',
  edges: '/edges',
  edgeTotals: '/edges/totals',
  logs: '/logs',
  logRate: '/logs/rate',
  metric: '/metrics/query',
  metricRange: '/metrics/query-range',
  metricNames: '/metrics/names',
  targets: '/metrics/targets',
  levels: '/levels',
} as const
type Name = keyof typeof paths

/** Parameters of a query; what is undefined or '' is left out, a list is repeated. */
export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>

function queryText(query: Query): string {
  const text = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === '') continue
    for (const one of typeof value === 'object' ? value : [String(value)]) text.append(name, one)
  }
  return text.size === 0 ? '' : `?${text}`
}

/**
 * Asks the telemetry.
 * @throws Refused with its code and sentence
 */
export const askTelemetry = <N extends Name>(
  name: N,
  query: Query = {},
  signal?: AbortSignal,
): Promise<TelemetryReply<N>> => read(`/api/telemetry${paths[name]}${queryText(query)}`, signal)

/** A trace by its id, with all that its links lead to. @throws Refused 404 where it isn't kept */
export const readTrace = (traceId: string, signal?: AbortSignal): Promise<TelemetryReply<'joined'>> =>
  read(`/api/telemetry/traces/${traceId}/joined`, signal)

const retryMs = [500, 1_000, 2_500, 5_000]

/**
 * Follows the telemetry for as long as nobody calls what is given back; comes back when it does.
 * @param heard each frame
 * @param open whether frames come now
 */
export function followTelemetry(
  wish: LiveWish,
  heard: (frame: LiveFrame) => void,
  open: (now: boolean) => void = () => {},
): () => void {
  let socket: WebSocket | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let over = false
  const connect = () => {
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws'
    const line = new WebSocket(`${scheme}://${location.host}/api/telemetry/live`)
    socket = line
    line.addEventListener('open', () => line.send(JSON.stringify(wish)))
    line.addEventListener('message', ({ data }) => {
      failures = 0
      open(true)
      heard(JSON.parse(String(data)) as LiveFrame)
    })
    line.addEventListener('close', () => {
      open(false)
      if (over) return
      timer = setTimeout(connect, retryMs[Math.min(failures, retryMs.length - 1)])
      failures += 1
    })
  }
  connect()
  return () => {
    over = true
    clearTimeout(timer)
    socket?.close()
  }
}
