/** The command line of the campaign: `npm run campaign -- --help`. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { drawnSeed, programOf, seedOption } from '@svyaz/observe/program.ts'
import { aboutRun } from '../about-run.ts'
import { createRandom } from '../random.ts'
import { campaign } from './campaign.ts'
import { faultsIn } from './verdict.ts'

const { values } = programOf({
  command: 'npm run campaign --',
  about:
    'Attacks every listener of a system of its own, on loopback, while an ordinary user reads, signs in and orders.',
  options: {
    minutes: {
      takes: 'n',
      range: { min: 0.1, max: 120, fraction: true },
      default: 10,
      about: 'how long the attacks last; 0.5 is half a minute',
    },
    seed: seedOption('which attacks come when'),
    out: { takes: 'file', about: 'the record as JSON' },
  },
  more: "Exit status: 0 the system bore it, 1 it didn't, and the last lines say what; 2 a wrong option.",
})
process.exitCode = await main()

async function main(): Promise<number> {
  const { minutes } = values
  const seed = values.seed ?? drawnSeed()
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
