/** The command line of the load: `npm run load -- --help`. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { pageOf } from './page.ts'
import { beyond, journeysMax, type ProfileName, perSecondMax, profiles, secondsMax } from './profiles.ts'
import { runLoad } from './run.ts'
import { scenarios } from './scenarios.ts'

const names = Object.keys(profiles) as ProfileName[]
const help = `Puts users on a system of its own and says how they were served.

  npm run load -- <profile> [options]

${names.map((name) => `  ${name.padEnd(8)} ${profiles[name].about} (${profiles[name].rate} a second)`).join('\n')}

  --rate <n>       journeys that begin in a second, whatever became of earlier ones
  --minutes <n>    how long: smoke, levels, soak
  --kill <name>    kill -9 this instance in the middle, e.g. orders-1, broker-1, postgres-1
  --seed <n>       who does what (default: drawn, and said)
  --out <folder>   load.json and load.md (default: a temporary folder, which is said)
  --scenarios      print what users do, as JSON, for another tool; load nothing
  --help

A journey is one of ${scenarios.map(({ name }) => name).join(', ')}; the load is a process of its own, an open loop: a
system that stalls is charged for everybody who waited. At most ${perSecondMax} a second, ${secondsMax / 3_600} hours, ${journeysMax} journeys;
everything is on 127.0.0.1, on free ports, in a folder that is removed.

  npm run load -- smoke
  npm run load -- levels --kill payments-1
  npm run load -- stress --rate 20 --out /tmp/stress

Exit status: 0 at most 1 % errors, nothing skipped, no service level missed; 1 otherwise (for stress: the first step
wasn't carried); 2 a wrong option.`

const options = {
  rate: { type: 'string' },
  minutes: { type: 'string' },
  kill: { type: 'string' },
  seed: { type: 'string' },
  out: { type: 'string' },
  scenarios: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

try {
  // What kafkajs and sockets leave behind isn't waited for.
  process.exit(await main())
} catch (error) {
  if (!(error instanceof RangeError) && !(error instanceof TypeError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  if (values.help || (positionals.length === 0 && !values.scenarios)) {
    console.log(help)
    return values.help ? 0 : 2
  }
  if (values.scenarios) {
    console.log(JSON.stringify({ profiles: shownProfiles(), scenarios }, undefined, 2))
    return 0
  }
  const name = names.find((one) => one === positionals[0])
  if (name === undefined || positionals.length > 1) throw new RangeError(`one of ${names.join(', ')}; --help says more`)
  const profile = profiles[name]
  const rate = positive('--rate', values.rate ?? String(profile.rate))
  const minutes = positive('--minutes', values.minutes ?? String(profile.minutes))
  const phases = profile.phases(rate, minutes)
  const refused = beyond(phases)
  if (refused !== undefined) throw new RangeError(refused)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 1e9))
  const out = values.out ?? mkdtempSync(join(tmpdir(), 'svyaz-load-'))
  mkdirSync(out, { recursive: true })
  const kill = values.kill === undefined ? '' : ` --kill ${values.kill}`
  const command = `npm run load -- ${name} --rate ${rate} --minutes ${minutes} --seed ${seed}${kill}`
  const record = await runLoad({ name, phases, seed, kill: values.kill, command, say: (line) => console.log(line) })
  writeFileSync(join(out, 'load.json'), `${JSON.stringify(record, undefined, 1)}\n`)
  writeFileSync(join(out, 'load.md'), pageOf(record))
  console.log(pageOf(record))
  console.log(`${join(out, 'load.md')}: ${record.verdict}`)
  return record.good ? 0 : 1
}

const shownProfiles = () =>
  Object.fromEntries(names.map((name) => [name, profiles[name].phases(profiles[name].rate, profiles[name].minutes)]))

function positive(option: string, text: string): number {
  const number = Number(text)
  if (!(number > 0 && number <= 100_000)) throw new RangeError(`${option} takes a number above 0, not "${text}"`)
  return number
}
