/** The command line of the soak: `npm run soak -- --help`. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawnSeed, programOf, seedOption } from '@svyaz/observe/program.ts'
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

const { values } = programOf({
  command: 'npm run soak --',
  about:
    'A steady load for a long time, with a kill −9 now and then: what was accepted must be there, and memory must not grow.',
  options: {
    minutes: {
      takes: 'n',
      range: { min: 0.1, max: 1_440, fraction: true },
      default: 60,
      about: 'how long the load lasts',
    },
    rate: {
      takes: 'n',
      range: { min: 0.1, max: 1_000, fraction: true },
      default: 3,
      about: 'orders a second, whatever becomes of them',
    },
    'kill-every': {
      takes: 'seconds',
      range: { min: 0, max: 86_400, fraction: true },
      default: 10,
      about: 'kill a process that often, all in turn; 0: nobody, for the slope of memory alone',
    },
    seed: seedOption('what the load does and whom the kills meet'),
    out: { takes: 'folder', about: 'soak.json and soak.md; a temporary folder, which is said, when left out' },
  },
  more: 'Exit status: 0 every invariant holds, 1 one is broken, 2 a wrong option.',
})
const sampleEveryMs = 30_000
const windowMs = 5 * 60_000

// An hour of kills left something of kafkajs behind that kept the process alive; there is nothing left to wait for.
process.exit(await soak())

async function soak(): Promise<number> {
  const { minutes, rate, 'kill-every': killEverySeconds } = values
  const seed = values.seed ?? drawnSeed()
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
