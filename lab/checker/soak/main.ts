/** The command line of the soak: `npm run soak -- --help`. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { System } from '@svyaz/system/testing'
import { aboutRun } from '../about-run.ts'
import type { Evidence } from '../evidence.ts'
import { type MemorySample, sampleMemory } from '../memory.ts'
import { createRandom } from '../random.ts'
import { run } from '../run.ts'
import { checkRun } from '../run-invariants.ts'
import { whyInvalid } from '../validity.ts'
import { growthOf, windowsOf } from './figures.ts'
import { killsInTurn } from './kills.ts'
import { pageOf, type SoakRecord } from './page.ts'

const help = `A steady load for a long time, with a kill −9 now and then: what was accepted must be there, and memory must not grow.

  npm run soak -- [options]

  --minutes <n>      how long the load lasts (default 60)
  --rate <n>         orders per second, whatever becomes of them (default 3)
  --kill-every <s>   kill a process every s seconds, all in turn; 0: nobody, for the slope of memory alone (default 10)
  --seed <n>         what the load does and whom the kills meet (default: drawn, and said)
  --out <folder>     soak.json and soak.md (default: a temporary folder, which is said)
  --help

Exit status: 0 every invariant holds, 1 one is broken.`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    rate: { type: 'string', default: '3' },
    'kill-every': { type: 'string', default: '10' },
    seed: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
const sampleEveryMs = 30_000
const windowMs = 5 * 60_000

if (values.help) console.log(help)
// An hour of kills left something of kafkajs behind that kept the process alive; there is nothing left to wait for.
else process.exit(await soak())

async function soak(): Promise<number> {
  const minutes = positive('--minutes', values.minutes)
  const rate = positive('--rate', values.rate)
  const killEverySeconds = positive('--kill-every', values['kill-every'], 0)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const out = values.out ?? mkdtempSync(join(tmpdir(), 'svyaz-soak-'))
  mkdirSync(out, { recursive: true })
  const random = createRandom(seed)
  const kills = killEverySeconds === 0 ? 0 : Math.floor((minutes * 60) / killEverySeconds)
  console.log(`seed ${seed}, ${kills} kills, results in ${out}`)
  const samples: MemorySample[] = []
  const evidence = await run({
    seed,
    random,
    faults: killsInTurn(random, kills),
    calmMs: 5_000,
    pauseMs: killEverySeconds * 1_000,
    overlapping: true,
    loadMs: minutes * 60_000,
    ordersPerSecond: rate,
    users: 40,
    // At a few orders a second the moment of a kill is what it is.
    inFlightMin: 1,
    standstillMs: 30_000,
    quiesceMs: 600_000,
    out: mkdtempSync(join(tmpdir(), 'svyaz-soak-run-')),
    evidenceFile: false,
    observe: (system) => sampling(system, samples),
    say: (line) => console.log(line),
  })
  const record = recordOf(evidence, samples, { minutes, rate, killEverySeconds, seed })
  writeFileSync(join(out, 'soak.json'), `${JSON.stringify(record, undefined, 1)}\n`)
  const page = pageOf(record)
  writeFileSync(join(out, 'soak.md'), page)
  console.log(page)
  return record.broken.length === 0 ? 0 : 1
}

/** Takes the memory of every process at a steady pace, and says now and then how it goes. */
function sampling(system: System, samples: MemorySample[]): Disposable {
  const startedAt = performance.now()
  const take = () => {
    const taken = sampleMemory(system, performance.now() - startedAt)
    samples.push(...taken)
    const mb = taken.reduce((sum, { pssBytes }) => sum + pssBytes / 1024 ** 2, 0)
    const restarts = system.instances().reduce((sum, instance) => sum + instance.restarts, 0)
    const minute = ((performance.now() - startedAt) / 60_000).toFixed(1)
    console.log(`minute ${minute}: ${mb.toFixed(0)} MB in all, ${restarts} restarts`)
  }
  take()
  const timer = setInterval(take, sampleEveryMs)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

function recordOf(
  evidence: Evidence,
  samples: readonly MemorySample[],
  { minutes, rate, killEverySeconds, seed }: { minutes: number; rate: number; killEverySeconds: number; seed: number },
): SoakRecord {
  const byStatus = [...Map.groupBy(evidence.snapshot.orders, ({ status }) => status)]
  return {
    about: aboutRun(
      `npm run soak -- --minutes ${minutes} --rate ${rate} --kill-every ${killEverySeconds} --seed ${seed}`,
    ),
    seed,
    minutes,
    ordersPerSecond: rate,
    killEverySeconds,
    kills: {
      begun: evidence.faults.length,
      fired: evidence.faults.filter(({ fired }) => fired).length,
      recoveryMsMax: Math.max(0, ...evidence.faults.map(({ recoveryMs }) => recoveryMs ?? 0)),
    },
    orders: {
      asked: Math.round(evidence.load.asked * evidence.load.seconds),
      placed: evidence.load.placed,
      byStatus: Object.fromEntries(byStatus.map(([status, list]) => [status, list.length])),
    },
    broken: checkRun(evidence).map(({ id, promise, found }) => `${id}, ${promise}: ${found}`),
    doubts: whyInvalid(evidence),
    windows: windowsOf(evidence.history, windowMs),
    growth: growthOf(samples),
  }
}

function positive(option: string, text: string, least = 0.01): number {
  const number = Number(text)
  if (!(number >= least && number <= 100_000))
    throw new Error(`${option} takes a number from ${least} on, not "${text}"`)
  return number
}
