/**
 * Measures warm starts of the whole system: `npm run bench:start-up [-- rounds, default 7]`. Each round is `svyaz up`
 * in a process of its own on the same data, in a temporary folder and on shifted ports, an order posted at the ready
 * line and followed until it has completed, and a stop. The first round, which builds the bundles, isn't counted.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { usageOfTree } from '../src/supervisor/process-table.ts'
import type { InstanceView } from '../src/supervisor/supervisor.ts'
import { removeHome } from '../src/testing.ts'

const root = join(import.meta.dirname, '..', '..')
const portOffset = 3_000
const gateway = `http://127.0.0.1:${8080 + portOffset}`

interface Round {
  readonly readyMs: number
  /** From the ready line to the answer that says `completed`; the parcel takes about two seconds of it. */
  readonly orderMs: number
  /** Of every process, from its start to the ready line. */
  readonly cpuMs: Readonly<Record<string, number>>
  readonly pssMb: number
  readonly stopMs: number
  /** Load average over the minute before the start. */
  readonly load: number
}

async function measure(home: string): Promise<Round> {
  const load = loadavg()[0] ?? 0
  const command = [process.execPath, join(root, 'cli/src/main.ts'), 'up', '--json']
  const child = spawn('env', [`SVYAZ_HOME=${home}`, ...command, '--port-offset', String(portOffset)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const { readyMs, pids } = await untilReady(child)
  const cpuMs = Object.fromEntries(
    [...pids].map(([name, pid]) => [name, usageOfTree(pid, name === 'supervisor').cpuMs]),
  )
  const orderMs = await orderCompletes()
  const pss = [...pids].map(([name, pid]) => usageOfTree(pid, name === 'supervisor').pssBytes ?? Number.NaN)
  const stopStartedMs = performance.now()
  child.kill('SIGINT')
  await once(child, 'exit')
  return {
    readyMs,
    orderMs,
    cpuMs,
    pssMb: pss.reduce((sum, bytes) => sum + bytes, 0) / 1024 ** 2,
    stopMs: performance.now() - stopStartedMs,
    load,
  }
}

async function untilReady(child: ChildProcess): Promise<{ readyMs: number; pids: Map<string, number> }> {
  if (!child.stdout || child.pid === undefined) throw new Error('the system could not be started')
  const pids = new Map([['supervisor', child.pid]])
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line) as
      | { type: 'instance'; instance: InstanceView }
      | { type: 'ready'; tookMs: number }
      | { type: 'note' }
    if (event.type === 'instance' && event.instance.pid !== undefined) pids.set(event.instance.name, event.instance.pid)
    if (event.type === 'ready') {
      child.stdout.resume()
      return { readyMs: event.tookMs, pids }
    }
  }
  throw new Error('the system ended before it was ready')
}

async function orderCompletes(): Promise<number> {
  const startedMs = performance.now()
  const email = `ada-${Date.now()}@example.com`
  await post('/users', { email, password: 'correct horse', name: 'Ada' })
  const { accessToken } = await post<{ accessToken: string }>('/auth/login', { email, password: 'correct horse' })
  const headers = { authorization: `Bearer ${accessToken}` }
  const { id } = await post<{ id: string }>('/orders', { items: [{ productId: 'P-1001', quantity: 1 }] }, headers)
  for (;;) {
    const answer = await fetch(`${gateway}/orders/${id}`, { headers })
    const { status } = (await answer.json()) as { status: string }
    if (status === 'completed') return performance.now() - startedMs
    if (performance.now() - startedMs > 30_000) throw new Error(`order ${id} is ${status} after 30 s`)
    await new Promise((resolve) => setTimeout(resolve, 650))
  }
}

async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const answer = await fetch(`${gateway}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const seconds = (ms: number): string => (ms / 1000).toFixed(2)

const rounds = Number(process.argv[2] ?? 7)
const home = mkdtempSync(join(tmpdir(), 'svyaz-start-up-'))
try {
  await measure(home)
  const results: Round[] = []
  for (let round = 1; round <= rounds; round += 1) {
    const result = await measure(home)
    results.push(result)
    console.log(
      `${round}: ready ${seconds(result.readyMs)} s · order completed ${seconds(result.orderMs)} s later · ${result.pssMb.toFixed(0)} MB · stopped in ${seconds(result.stopMs)} s · load before ${result.load.toFixed(1)}`,
    )
  }
  const ready = results.map((result) => result.readyMs)
  console.log(
    `ready: median ${seconds(median(ready))} s, ${seconds(Math.min(...ready))} to ${seconds(Math.max(...ready))} s on ${cpus().length} cores`,
  )
  console.log('processor time until ready, median:')
  for (const name of Object.keys(results[0]?.cpuMs ?? {}))
    console.log(`  ${name.padEnd(20)} ${seconds(median(results.map((result) => result.cpuMs[name] ?? 0)))} s`)
} finally {
  removeHome(home)
}
