/** The command line of the campaign: `npm run campaign -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'
import { aboutRun } from '../about-run.ts'
import { createRandom } from '../random.ts'
import { campaign } from './campaign.ts'
import { faultsIn } from './verdict.ts'

const help = `Attacks every listener of a system of its own, on loopback, while an ordinary user reads, signs in and orders.

  npm run campaign -- [options]

  --minutes <n>   how long the attacks last (default 10; 0.5 is half a minute)
  --seed <n>      which attacks come when (default: drawn, and said)
  --out <file>    the record as JSON
  --help

Exit status: 0 the system bore it, 1 it didn't, and the last lines say what.`

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    out: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) console.log(help)
else process.exitCode = await main()

async function main(): Promise<number> {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const minutes = Number(values.minutes)
  if (!(minutes > 0 && minutes <= 120)) throw new Error(`--minutes takes a number up to 120, not "${values.minutes}"`)
  const startedAt = performance.now()
  const record = await campaign({
    about: aboutRun(`npm run campaign -- --minutes ${minutes} --seed ${seed}`),
    seed,
    random: createRandom(seed),
    minutes,
    calmMs: 10_000,
    restMs: 60_000,
    say: (line) => console.log(`${((performance.now() - startedAt) / 1_000).toFixed(0).padStart(5)} s  ${line}`),
  })
  if (values.out !== undefined) {
    mkdirSync(dirname(values.out), { recursive: true })
    writeFileSync(values.out, `${JSON.stringify(record, undefined, 2)}\n`)
  }
  console.log(JSON.stringify({ attacks: record.attacks, asked: record.asked }, undefined, 1))
  for (const [name, mb] of Object.entries(record.memoryMb.before))
    console.log(
      `${name.padEnd(20)} ${mb} MB, ${record.memoryMb.atEnd[name]} MB at the end, ${record.memoryMb.afterRest[name]} MB after a rest`,
    )
  const faults = faultsIn(record)
  for (const fault of faults) console.log(`✗ ${fault}`)
  console.log(`seed ${seed}: ${faults.length === 0 ? 'borne' : `${faults.length} faults`}`)
  return faults.length === 0 ? 0 : 1
}
