/**
 * `npm run bench:orders -- --counts`: what an order consists of while as many as a number are under way: per process
 * the processor time (user, system), context switches, statements by kind, transactions, records handled, requests
 * and calls. A whole system of its own. `--profile <folder>` has each process write a V8 profile there
 * (`--cpu-prof`); counts and shares hold on a busy machine too, milliseconds only beside others of the same hour.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { programOf } from '@svyaz/observe/program.ts'
import { closedLoop } from './loops.ts'
import { openShop } from './shop.ts'
import type { Stack } from './stack.ts'
import { startSvyaz } from './svyaz-stack.ts'
import { figuresOf, groupOf, groups } from './table.ts'

const { values } = programOf({
  command: 'npm run bench:orders -- --counts',
  about:
    'What an order consists of: by process the time, context switches, statements, transactions, records and calls.',
  options: {
    counts: {},
    'warm-up': {
      takes: 'orders',
      range: { min: 0, max: 100_000 },
      default: 100,
      about: 'completed before anything is counted',
    },
    seconds: { takes: 'n', range: { min: 1, max: 3_600 }, default: 15, about: 'how long' },
    'in-flight': { takes: 'n', range: { min: 1, max: 1_000 }, default: 16, about: 'customers of the closed loop' },
    profile: { takes: 'folder', about: 'each process writes a V8 profile there' },
  },
  more: 'Counts and shares hold on a busy machine too; milliseconds only beside others of the same hour.',
})
const settleMs = 2_000

/** Counters of a service's /metrics that are told by order, with the label that tells their kinds apart. */
const counters: readonly [name: string, label: string][] = [
  ['svyaz_database_statement_seconds_count', 'operation'],
  ['svyaz_database_trips_total', ''],
  ['svyaz_messages_handled_total', 'outcome'],
  ['svyaz_produce_seconds_count', 'topic'],
  ['http_client_request_duration_seconds_count', 'dependency'],
  ['http_server_request_duration_seconds_count', 'http_route'],
  ['grpc_client_request_duration_seconds_count', 'rpc_method'],
  ['websocket_messages_sent_total', ''],
  ['svyaz_broker_requests_total', 'api'],
  ['svyaz_broker_log_syncs_total', ''],
  ['telemetry_spans_received_total', ''],
]

const profiled = values.profile && {
  NODE_OPTIONS: `--cpu-prof --cpu-prof-interval=4000 --cpu-prof-dir=${values.profile}`,
}
await using stack = await startSvyaz(profiled ? { ...profiled } : {})
using shop = await openShop(stack, '', 1)
const { place } = shop
const inFlight = values['in-flight']
await closedLoop(place, inFlight, ({ completed }) => completed >= values['warm-up'])
await delay(settleMs)

const before = await snapshot(stack)
const loaded = await closedLoop(place, inFlight, ({ seconds }) => seconds >= values.seconds)
await delay(settleMs)
const after = await snapshot(stack)
const figures = figuresOf(loaded, values.seconds)
const perOrder = new Map([...after].map(([key, value]) => [key, (value - (before.get(key) ?? 0)) / figures.accepted]))
const say = (line: string) => process.stdout.write(`${line}\n`)
const { accepted, completedPerSecond, postMs, completedMs, refused, unfinished } = figures
say(
  `${accepted} orders, ${inFlight} under way: ${completedPerSecond.toFixed(1)} completed/s, POST ${postMs.join(' / ')} ms, to completed ${completedMs.join(' / ')} ms, refused ${refused}, unfinished ${unfinished}`,
)
const sumOf = (what: string, group?: string) =>
  [...perOrder].reduce((sum, [key, value]) => {
    const [process = '', kind] = key.split('\t')
    return kind === what && (group === undefined || groupOf(process) === group) ? sum + value : sum
  }, 0)
say(
  `CPU an order ${(sumOf('user ms') + sumOf('system ms')).toFixed(1)} ms: ${groups.map((group) => `${group} ${(sumOf('user ms', group) + sumOf('system ms', group)).toFixed(1)}`).join(', ')}`,
)
say(
  `user ${sumOf('user ms').toFixed(1)}, system ${sumOf('system ms').toFixed(1)}, waits ${sumOf('waits').toFixed(0)}, preempted ${sumOf('preempted').toFixed(0)}`,
)
const sums = Map.groupBy(perOrder, ([key]) => key.split('\t').slice(1).join(' '))
for (const [kind, rows] of sums) {
  const total = rows.reduce((sum, [, value]) => sum + value, 0)
  if (total < 0.05) continue
  const parts = rows.filter(([, value]) => value >= 0.05).toSorted((a, b) => b[1] - a[1])
  say(
    `${kind.padEnd(58)} ${total.toFixed(2).padStart(7)}  ${parts.map(([key, value]) => `${key.split('\t')[0]} ${value.toFixed(2)}`).join(', ')}`,
  )
}

/** Every count so far, by `process TAB kind`. */
async function snapshot({ instances }: Stack): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const add = (key: string, value: number) => counts.set(key, (counts.get(key) ?? 0) + value)
  for (const { name, pids, metricsUrl } of instances?.() ?? []) {
    for (const pid of pids) {
      const fields = read(`/proc/${pid}/stat`)
        .replace(/^.*\) /s, '')
        .split(' ')
      add(`${name}\tuser ms`, Number(fields[11] ?? 0) * 10)
      add(`${name}\tsystem ms`, Number(fields[12] ?? 0) * 10)
      for (const task of tasksOf(pid)) {
        const status = read(`/proc/${pid}/task/${task}/status`)
        add(`${name}\twaits`, Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0))
        add(`${name}\tpreempted`, Number(/^nonvoluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1] ?? 0))
      }
    }
    if (metricsUrl === undefined) continue
    const text = await (await fetch(metricsUrl)).text()
    for (const [metric, label] of counters)
      for (const [, labels = '', value] of text.matchAll(new RegExp(`^${metric}(?:\\{(.*)\\})? (\\S+)$`, 'gm')))
        add(
          `${name}\t${metric.replace(/_(seconds_count|total)$/, '')}\t${new RegExp(`${label}="([^"]*)"`).exec(labels)?.[1] ?? ''}`,
          Number(value),
        )
  }
  return counts
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function tasksOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/task`)
  } catch {
    return []
  }
}
