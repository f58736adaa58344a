/** The command line of the checker: `node lab/checker/main.ts --help`. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawnSeed, programOf, seedOption } from '@svyaz/observe/program.ts'
import type { Evidence } from './evidence.ts'
import { type Fault, type FaultGroup, faultGroups } from './nemesis.ts'
import { createRandom } from './random.ts'
import { report } from './report.ts'
import { run } from './run.ts'

const { values } = programOf({
  command: 'node lab/checker/main.ts',
  about: 'Breaks the whole system under load and judges from outside whether anything was lost or done twice.',
  options: {
    seed: seedOption('what the load does and in which order faults come'),
    seconds: {
      takes: 'n',
      range: { min: 1, max: 86_400 },
      about: 'no further fault begins after so long; every chosen fault once when left out',
    },
    faults: { takes: 'a,b', default: Object.keys(faultGroups).join(','), about: 'groups of faults, or "none"' },
    overlapping: { about: 'a fault every 2 s, whether the last one is over or not' },
    rate: { takes: 'n', range: { min: 1, max: 1_000 }, default: 10, about: 'orders a second' },
    out: {
      takes: 'folder',
      about: 'history.ndjson, evidence.json, report.txt; a temporary folder, which is said, when left out',
    },
    judge: { takes: 'folder', about: 'judges a saved run again, without the system' },
  },
  more: `Exit status: 0 every invariant holds, 1 one is broken, 2 the run proves nothing (a fault did not fire) or a wrong
option, 3 the checker itself failed.`,
})

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`the checker failed: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 3
})

async function main(): Promise<number> {
  const say = (line: string) => process.stdout.write(`${line}\n`)
  if (values.judge !== undefined) {
    return report(JSON.parse(readFileSync(join(values.judge, 'evidence.json'), 'utf8')) as Evidence, values.judge, say)
  }
  const seed = values.seed ?? drawnSeed()
  const out = values.out ?? mkdtempSync(join(tmpdir(), 'svyaz-checker-'))
  const random = createRandom(seed)
  const faults = random.shuffled(chosen(values.faults))
  say(`seed ${seed}, ${faults.length} faults, results in ${out}`)
  const evidence = await run({
    seed,
    random,
    faults,
    ...(values.seconds === undefined ? {} : { faultsForMs: values.seconds * 1_000 }),
    calmMs: 5_000,
    ...(values.overlapping ? { overlapping: true as const, pauseMs: 2_000 } : { pauseMs: 1_500 }),
    ordersPerSecond: values.rate,
    users: 40,
    inFlightMin: 20,
    standstillMs: 30_000,
    quiesceMs: 600_000,
    out,
    say,
  })
  return report(evidence, out, say)
}

function chosen(list: string): Fault[] {
  if (list === 'none') return []
  return list.split(',').flatMap((name): readonly Fault[] => {
    if (!Object.hasOwn(faultGroups, name)) throw new Error(`there is no group of faults "${name}"`)
    return faultGroups[name as FaultGroup]
  })
}
