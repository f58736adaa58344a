/** The command line of the checker: `node lab/checker/main.ts --help`. */
import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Evidence } from './evidence.ts'
import { type Fault, type FaultGroup, faultGroups } from './nemesis.ts'
import { createRandom } from './random.ts'
import { report } from './report.ts'
import { run } from './run.ts'

const help = `Breaks the whole system under load and judges from outside whether anything was lost or done twice.

  node lab/checker/main.ts [options]

  --seed <n>        what the load does and in which order faults come (default: drawn, and said)
  --seconds <n>     no further fault begins after so long (default: every chosen fault once)
  --faults <list>   groups, separated by commas: ${Object.keys(faultGroups).join(', ')};
                    or "none" (default: all)
  --overlapping     a fault every 2 s, whether the last one is over or not
  --rate <n>        orders per second (default 10)
  --out <folder>    history.ndjson, evidence.json, report.txt (default: a temporary folder, which is said)
  --judge <folder>  judges a saved run again, without the system
  --help

Exit status: 0 every invariant holds, 1 one is broken, 2 the run proves nothing (a fault did not fire),
3 the checker itself failed.`

process.exitCode = await main().catch((error: unknown) => {
  process.stderr.write(`the checker failed: ${error instanceof Error ? error.stack : String(error)}\n`)
  return 3
})

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seconds: { type: 'string' },
      faults: { type: 'string', default: Object.keys(faultGroups).join(',') },
      rate: { type: 'string', default: '10' },
      overlapping: { type: 'boolean', default: false },
      out: { type: 'string' },
      judge: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  const say = (line: string) => process.stdout.write(`${line}\n`)
  if (values.help) {
    say(help)
    return 0
  }
  if (values.judge !== undefined) {
    return report(JSON.parse(readFileSync(join(values.judge, 'evidence.json'), 'utf8')) as Evidence, values.judge, say)
  }
  const seed = wholeNumber('--seed', values.seed ?? String(Math.floor(Math.random() * 1e9)))
  const out = values.out ?? mkdtempSync(join(tmpdir(), 'svyaz-checker-'))
  const random = createRandom(seed)
  const faults = random.shuffled(chosen(values.faults))
  say(`seed ${seed}, ${faults.length} faults, results in ${out}`)
  const evidence = await run({
    seed,
    random,
    faults,
    ...(values.seconds === undefined ? {} : { faultsForMs: wholeNumber('--seconds', values.seconds) * 1_000 }),
    calmMs: 5_000,
    ...(values.overlapping ? { overlapping: true as const, pauseMs: 2_000 } : { pauseMs: 1_500 }),
    ordersPerSecond: wholeNumber('--rate', values.rate),
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

function wholeNumber(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new Error(`${option} takes a whole number, not "${text}"`)
  return Number(text)
}
