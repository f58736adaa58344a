/**
 * The same call over REST, gRPC and WebSocket, and a message through the broker, side by side: rounds in turn, so that
 * what else the machine does hits all alike. `npm run bench:protocols -- [--rate 300] [--seconds 4] [--rounds 5]
 * [--out file]`. Raw figures of every round go to the file; docs/protocols.md is made from it.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { programOf } from '@svyaz/observe/program.ts'
import { countBytes } from './count-bytes.ts'
import { type Figures, figuresOf, spread } from './figures.ts'
import { type Bytes, bytesOfMessage } from './message-bytes.ts'
import { openLoop } from './open-loop.ts'
import type { FromAnswerer, Ports } from './shape.ts'
import { type Way, type WayName, wayNames, ways } from './ways.ts'

const { values } = programOf({
  command: 'npm run bench:protocols --',
  about: 'The same call over REST, gRPC and WebSocket, and a message through the broker, in turns.',
  options: {
    rate: { takes: 'n', range: { min: 1, max: 100_000 }, default: 300, about: 'calls a second' },
    seconds: { takes: 'n', range: { min: 1, max: 600 }, default: 4, about: 'of each' },
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 5, about: 'each way once in each' },
    out: {
      takes: 'file',
      default: join(import.meta.dirname, '..', 'results', 'protocols.json'),
      about: 'the raw figures',
    },
  },
})
const load = { perSecond: values.rate, seconds: values.seconds }
const { rounds } = values
const bytesCalls = 200

export interface Row {
  readonly way: WayName
  readonly round: number
  /** Until answered; a message: until acknowledged. */
  readonly latency: Figures
  /** A message: until it is in the hands of the receiver. */
  readonly oneWay?: Figures
  readonly failed: number
  /** µs of processor time a call, user and system. */
  readonly cpuMicros: { readonly client: number; readonly answerer: number; readonly broker: number }
}

const folder = mkdtempSync(join(tmpdir(), 'svyaz-bench-protocols-'))
/** Rejects when a process ends; whoever waits for its answer must not wait for ever. */
const ended = new Map<ChildProcess, Promise<never>>()
const child = (file: string, ...args: string[]) => {
  const started = fork(join(import.meta.dirname, file), args)
  const end = once(started, 'exit').then(() => Promise.reject(new Error(`${file} ended`)))
  end.catch(() => {})
  ended.set(started, end)
  return started
}
const answer = async <T>(process: ChildProcess, question?: string): Promise<T> => {
  const said = once(process, 'message')
  if (question !== undefined) process.send(question)
  return (await Promise.race([said, ended.get(process)!]))[0] as T
}
const micros = ({ user, system }: NodeJS.CpuUsage) => user + system

const broker = child('broker-process.ts', folder)
const { port: brokerPort } = await answer<{ port: number }>(broker)
const answerer = child('answerer.ts', `127.0.0.1:${brokerPort}`)
const started = [answerer, broker]
try {
  const { ports } = await answer<{ ports: Ports }>(answerer)
  const portOf: Record<WayName, number> = { ...ports, message: brokerPort }
  const open = (way: WayName): Promise<Way> => ways[way](`127.0.0.1:${portOf[way]}`)

  const opened = Object.fromEntries(await Promise.all(wayNames.map(async (way) => [way, await open(way)] as const)))
  for (const way of wayNames) await openLoop(opened[way]!.call, { perSecond: load.perSecond, seconds: 2 })

  const rows: Row[] = []
  for (let round = 1; round <= rounds; round++) {
    for (const way of wayNames) rows.push(await measure(way, round, opened[way]!))
  }
  for (const way of wayNames) await opened[way]!.close()

  const bytes: Partial<Record<WayName | 'oneWay', Bytes>> = {}
  for (const way of wayNames) if (way !== 'message') bytes[way] = await bytesOf(way, portOf[way])
  Object.assign(
    bytes,
    await bytesOfMessage(async (advertisedPort) => {
      const counted = child('broker-process.ts', join(folder, 'counted'), String(advertisedPort))
      started.push(counted)
      return (await answer<{ port: number }>(counted)).port
    }, bytesCalls),
  )
  const result = {
    command: `npm run bench:protocols -- --rate ${load.perSecond} --seconds ${load.seconds} --rounds ${rounds}`,
    at: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, load ${loadavg()[0]?.toFixed(1)} at the end`,
    load,
    rounds,
    bytes,
    rows,
  }
  writeFileSync(values.out, `${JSON.stringify(result, null, 1)}\n`)
  for (const way of wayNames)
    print(
      way,
      rows.filter((row) => row.way === way),
      bytes[way],
    )
} finally {
  for (const one of started) {
    if (one.exitCode !== null || !one.connected) continue
    one.send('stop')
    await once(one, 'exit')
  }
  rmSync(folder, { recursive: true, force: true })
}

async function measure(way: WayName, round: number, { call }: Way): Promise<Row> {
  const usage = async () => {
    const [other, third] = await Promise.all([
      answer<Extract<FromAnswerer, { cpu: unknown }>>(answerer, 'report'),
      answer<{ cpu: NodeJS.CpuUsage }>(broker, 'report'),
    ])
    return {
      client: micros(process.cpuUsage()),
      answerer: micros(other.cpu),
      broker: micros(third.cpu),
      received: other.received,
    }
  }
  const before = await usage()
  const { latencies, failed } = await openLoop(call, load)
  const after = await usage()
  const per = (party: 'client' | 'answerer' | 'broker') => Math.round((after[party] - before[party]) / latencies.length)
  return {
    way,
    round,
    latency: figuresOf(latencies),
    ...(way === 'message' ? { oneWay: figuresOf(after.received) } : {}),
    failed,
    cpuMicros: { client: per('client'), answerer: per('answerer'), broker: per('broker') },
  }
}

/** A call's share of the bytes of many on one connection, the first, which sets it up, left out. */
async function bytesOf(way: WayName, port: number): Promise<Bytes> {
  await using counter = await countBytes(port)
  const { call, close } = await ways[way](`127.0.0.1:${counter.port}`)
  await call(0n)
  const before = counter.counted()
  for (let n = 0; n < bytesCalls; n++) await call(0n)
  const after = counter.counted()
  await close()
  return {
    sent: Math.round((after.sent - before.sent) / bytesCalls),
    received: Math.round((after.received - before.received) / bytesCalls),
  }
}

function print(way: WayName, rows: readonly Row[], bytes: Bytes | undefined): void {
  const of = (pick: (row: Row) => number) => {
    const { median, min, max } = spread(rows.map(pick))
    return `${median} (${min}–${max})`
  }
  process.stdout.write(
    `${way.padEnd(10)} p50 ${of((row) => row.latency.p50)} µs, p99 ${of((row) => row.latency.p99)} µs, CPU ${of((row) => row.cpuMicros.client + row.cpuMicros.answerer + row.cpuMicros.broker)} µs, bytes ${bytes ? `${bytes.sent} + ${bytes.received}` : 'not counted'}\n`,
  )
  if (way === 'message')
    process.stdout.write(
      `${''.padEnd(10)} received: p50 ${of((row) => row.oneWay!.p50)} µs, p99 ${of((row) => row.oneWay!.p99)} µs\n`,
    )
}
