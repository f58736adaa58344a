/**
 * What taking spans costs the telemetry: `npm run bench:telemetry -- [--minutes 1] [--rate 10000] [--keep]`. A process of
 * its own gets exports of 500 spans as the services send them, at a steady rate; its CPU time and memory are read from the
 * kernel over and over. CPU time is what the work took, whatever else the machine does; latency isn't measured here.
 * `--keep` writes what was measured where docs/monitoring.md has it from.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { programOf } from '@svyaz/observe/program.ts'
import { startProcess } from '@svyaz/stage/testing'
import { topology } from '@svyaz/system/topology'
import { usageOfTree } from '@svyaz/system/usage'
import { type Curve, curveOf, type Sample } from './curve.ts'
import { ExportBody, spansPerExport } from './export-body.ts'

const { values } = programOf({
  command: 'npm run bench:telemetry --',
  about: 'What the telemetry process takes in, with its processor time and memory over time.',
  options: {
    minutes: { takes: 'n', range: { min: 0.1, max: 120, fraction: true }, default: 1, about: 'how long' },
    rate: { takes: 'n', range: { min: 1, max: 1_000_000 }, default: 10_000, about: 'spans a second' },
    keep: { about: 'write lab/bench/results/telemetry.json, of which npm run docs makes a page' },
  },
})
const { minutes, rate } = values
const kept = join(import.meta.dirname, '..', 'results', 'telemetry.json')

const telemetryMain = join(import.meta.dirname, '../../../platform/telemetry/src/main.ts')
/** With the heap that it has in the system. */
const heap = topology.processes.find(({ name }) => name === 'telemetry')!.heap
const heapFlags = [`--max-old-space-size=${heap.oldSpaceMb}`, `--max-semi-space-size=${heap.semiSpaceMb}`]

/** Exports under way at once; a telemetry that takes longer than this many is behind, and so is the sender then. */
const inFlightMax = 16
const lookEveryMs = 10
const sampleEveryMs = 2_000
/** An export that has had no answer for so long has none. */
const answerWithinMs = 30_000

export interface TelemetryResult extends Curve {
  readonly command: string
  readonly at: string
  readonly machine: string
  /** Of the last minute before it began. */
  readonly load: number
  /** Asked for. */
  readonly rate: number
  readonly spans: number
  readonly spansPerSecond: number
  /** Exports by the status of their answer; 0: none came. */
  readonly answers: Readonly<Record<string, number>>
  readonly cpuMicrosPerSpan: number
  /** What the sender itself took, seconds of CPU a second. */
  readonly senderCpu: number
  readonly historyMb: number
  /** Spans of the last trace that was sent, as the telemetry has them; ten are right. */
  readonly lastTraceSpans: number
}

class Sender {
  readonly answers = new Map<number, number>()
  sent = 0
  readonly #agent = new Agent({ keepAlive: true, maxSockets: inFlightMax })
  readonly #url: string
  readonly #free: ExportBody[]
  #lastTraceId = ''

  constructor(url: string) {
    this.#url = url
    const run = randomBytes(8).toString('hex')
    this.#free = Array.from({ length: inFlightMax }, (_, service) => new ExportBody(service, run))
  }

  get lastTraceId(): string {
    return this.#lastTraceId
  }

  /** Sends what is due by now, as far as there is room. */
  keepUp(due: number): void {
    while (this.sent < due) {
      const body = this.#free.pop()
      if (body === undefined) return
      body.become(this.sent, Date.now())
      this.#lastTraceId = body.firstTraceId
      this.sent += 1
      void this.#send(body.bytes).then((status) => {
        this.answers.set(status, (this.answers.get(status) ?? 0) + 1)
        this.#free.push(body)
      })
    }
  }

  async settle(): Promise<void> {
    while (this.#free.length < inFlightMax) await delay(lookEveryMs)
    this.#agent.destroy()
  }

  /** @returns the status, 0 when there was no answer */
  #send(body: Buffer): Promise<number> {
    return new Promise((resolve) => {
      const sent = request(`${this.#url}/v1/traces`, {
        agent: this.#agent,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': body.length },
        timeout: answerWithinMs,
      })
      sent.on('response', (answer) => {
        answer.resume()
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      })
      sent.on('timeout', () => sent.destroy())
      sent.on('close', () => resolve(0))
      sent.on('error', () => resolve(0))
      sent.end(body)
    })
  }
}

async function run(directory: string): Promise<TelemetryResult> {
  const load = Number(loadavg()[0]?.toFixed(1))
  await using telemetry = await startProcess(telemetryMain, directory, [], heapFlags)
  const pid = telemetry.child.pid ?? 0
  const sender = new Sender(telemetry.url)
  const sample = (): Sample => ({ atMs: performance.now(), spans: sender.sent * spansPerExport, ...usageOfTree(pid) })
  const samples = [sample()]
  const [beganMs, senderBefore] = [performance.now(), process.cpuUsage()]
  while (performance.now() - beganMs < minutes * 60_000) {
    sender.keepUp(((performance.now() - beganMs) / 1_000) * (rate / spansPerExport))
    if (performance.now() - samples.at(-1)!.atMs >= sampleEveryMs) samples.push(sample())
    await delay(lookEveryMs)
  }
  await sender.settle()
  samples.push(sample())
  const senderUsage = process.cpuUsage(senderBefore)
  const seconds = (performance.now() - beganMs) / 1_000
  const spans = sender.sent * spansPerExport
  const cpuMs = samples.at(-1)!.cpuMs - samples[0]!.cpuMs
  const page = await (await fetch(`${telemetry.url}/metrics`)).text()
  const trace = (await (await fetch(`${telemetry.url}/traces/${sender.lastTraceId}`)).json()) as { spans?: unknown[] }
  return {
    command: `npm run bench:telemetry -- --minutes ${minutes}${rate === 10_000 ? '' : ` --rate ${rate}`}`,
    at: new Date().toISOString(),
    machine: `${cpus().length} × ${cpus()[0]?.model}`,
    load,
    rate,
    spans,
    spansPerSecond: Math.round(spans / seconds),
    answers: Object.fromEntries(sender.answers),
    cpuMicrosPerSpan: Number(((cpuMs / spans) * 1_000).toPrecision(3)),
    senderCpu: Number(((senderUsage.user + senderUsage.system) / 1e6 / seconds).toPrecision(2)),
    historyMb: Math.round(Number(/^telemetry_history_bytes (\d+)/m.exec(page)?.[1]) / 1e6),
    lastTraceSpans: trace.spans?.length ?? 0,
    ...curveOf(samples),
  }
}

const directory = mkdtempSync(join(tmpdir(), 'svyaz-bench-telemetry-'))
try {
  const result = await run(directory)
  const text = `${JSON.stringify(result, null, 2)}\n`
  process.stdout.write(text)
  if (values.keep) writeFileSync(kept, text)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
