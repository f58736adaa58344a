/**
 * `npm run bench:relay:steps`: what one message costs in each step of its way, in CPU time of one process, without
 * sockets and disks: the very functions that MC1, MC2, MC3 and the exporter of spans call, each in a loop. And what one
 * sync of the disk below the temporary folder takes, of which a message waits for two.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { relayMessage } from '@svyaz/contracts/events/relay.ts'
import { median } from '../../../lab/bench/relay/table.ts'
import { systemClock } from '../../../platform/kit/src/process/clock.ts'
import { otlpFrame, otlpSpan } from '../../../platform/kit/src/tracing/otlp.ts'
import { SpanBatch } from '../../../platform/kit/src/tracing/span-batch.ts'
import { createTracer, type FinishedSpan } from '../../../platform/kit/src/tracing/tracing.ts'
import { decodeTraces } from '../../../platform/telemetry/src/otlp/traces-json.ts'
import { hopsOf } from '../mc1/hops.ts'
import { type Received, readFrame, toRecord } from '../mc2/produce.ts'
import { forwardOf, type Read, readRecord } from '../mc3/forward.ts'
import { formatMicros } from '../message.ts'

const rounds = 9
const times = 5_000
/** Spans of one export, messages of one body. */
const together = 500

const cpuMicros = (work: (index: number) => unknown, count: number): number => {
  const before = process.cpuUsage()
  for (let index = 0; index < count; index += 1) work(index)
  const { user, system } = process.cpuUsage(before)
  return (user + system) / count
}

/** Median over the rounds, after one that warms up. @param divisor when one call does it for this many messages */
const step = (work: (index: number) => unknown, count = times, divisor = 1): number => {
  cpuMicros(work, count)
  return median(Array.from({ length: rounds }, () => cpuMicros(work, count) / divisor))
}

const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const messageOf = (id: number) => ({
  id,
  session_id: 1,
  MC1_timestamp: formatMicros(systemClock.micros()),
  MC2_timestamp: null,
  MC3_timestamp: null,
  end_timestamp: null,
})
const frames = Array.from({ length: times }, (_, id) => JSON.stringify({ traceparent, message: messageOf(id + 1) }))
const received = frames.map((frame) => readFrame(frame) as Received)
const records = received.map((one) => ({ ...toRecord(one, systemClock.micros(), traceparent), place: undefined }))
const reads = records.map((record) => {
  const read = readRecord(record) as Read
  read.message.MC3_timestamp = formatMicros(systemClock.micros())
  return read
})
const [first] = reads
if (!first) throw new Error('there is no message')
const back = { ...first.message, end_timestamp: formatMicros(systemClock.micros()) }
const body = forwardOf([first], [traceparent]).body

const spans: FinishedSpan[] = []
const tracer = createTracer({ take: (span) => void spans.push(span) }, { micros: systemClock.micros })
const attributes = {
  'messaging.system': 'kafka',
  'messaging.operation.type': 'process',
  'messaging.destination.name': 'relay.messages',
  'svyaz.relay.id': 1,
  'svyaz.relay.session_id': 1,
}
const span = () => tracer.open('process relay.messages', { kind: 'consumer', parent: traceparent, attributes }).end()
for (let count = 0; count < together; count += 1) span()
const exported = spans.slice(0, together)
const environment = { service: 'mc3', instance: 'mc3-1', profile: 'embedded' } as Parameters<typeof otlpFrame>[0]
const batchOf = (): SpanBatch => {
  const batch = new SpanBatch(otlpFrame(environment))
  for (const one of exported) batch.add(otlpSpan(one))
  return batch
}
const request = Buffer.from(batchOf().body()).toString()

const steps: [string, number][] = [
  ['MC1: stamp, message and envelope as JSON', step((id) => JSON.stringify({ traceparent, message: messageOf(id) }))],
  ['MC2: frame parsed and checked against the contract', step((id) => readFrame(frames[id] ?? ''))],
  [
    'MC2: stamp, record with its headers',
    step((id) => toRecord(received[id] ?? (received[0] as Received), systemClock.micros(), traceparent)),
  ],
  ['MC3: record parsed and checked', step((id) => readRecord(records[id] ?? records[0]!))],
  ['MC3: body of one message', step(() => forwardOf([first], [traceparent]))],
  ['MC1: body parsed and checked', step(() => relayMessage.parse(JSON.parse(body)))],
  ['MC1: hops out of the stamps', step(() => hopsOf(back))],
  [
    'a span, opened and ended',
    step(() => {
      span()
      spans.length = 0
    }),
  ],
  ['a span, as OTLP in JSON', step(batchOf, 20, together)],
  ['a span, parsed and checked by the telemetry', step(() => decodeTraces(JSON.parse(request)), 20, together)],
]

/** ms of a synced write of a record's size. */
const syncMs = (): number[] => {
  const folder = mkdtempSync(join(tmpdir(), 'svyaz-steps-'))
  const file = openSync(join(folder, 'synced'), 'w')
  const bytes = Buffer.alloc(600, 1)
  const taken = Array.from({ length: 300 }, () => {
    const from = performance.now()
    writeSync(file, bytes)
    fdatasyncSync(file)
    return performance.now() - from
  }).sort((a, b) => a - b)
  closeSync(file)
  rmSync(folder, { recursive: true })
  return taken
}
const synced = syncMs()

const lines = [
  '| step | CPU, µs a message |',
  '|---|---|',
  ...steps.map(([name, micros]) => `| ${name} | ${micros.toFixed(1)} |`),
  '',
  `One synced write of 600 bytes: p50 ${median(synced).toFixed(2)} ms, p99 ${synced[296]?.toFixed(1)} ms.`,
  `${availableParallelism()} × ${cpus()[0]?.model}, Node ${process.version}, load average ${loadavg()[0]?.toFixed(1)}.`,
]
process.stdout.write(`${lines.join('\n')}\n`)
