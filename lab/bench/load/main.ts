/** The command line of the load: `npm run load -- --help`. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawnSeed, programOf, seedOption } from '@svyaz/observe/program.ts'
import { pageOf } from './page.ts'
import { beyond, journeysMax, type ProfileName, perSecondMax, profiles, secondsMax } from './profiles.ts'
import { runLoad } from './run.ts'
import { scenarios } from './scenarios.ts'

const names = Object.keys(profiles) as ProfileName[]
const { values, positionals, refuse } = programOf({
  command: 'npm run load --',
  about: 'Puts users on a system of its own and says how they were served.',
  positionals: {
    usage: '<profile>',
    about: 'one of those below',
    max: 1,
  },
  options: {
    rate: {
      takes: 'n',
      range: { min: 0.01, max: 100_000, fraction: true },
      about: "journeys that begin in a second, whatever became of earlier ones; the profile's when left out",
    },
    minutes: {
      takes: 'n',
      range: { min: 0.01, max: 100_000, fraction: true },
      about: "how long: smoke, levels, soak; the profile's when left out",
    },
    kill: { takes: 'name', about: 'kill -9 this instance in the middle, e.g. orders-1, broker-1, postgres-1' },
    seed: seedOption('who does what'),
    out: { takes: 'folder', about: 'load.json and load.md; a temporary folder, which is said, when left out' },
    scenarios: { about: 'print what users do, as JSON, for another tool; load nothing' },
  },
  more: `${names.map((name) => `  ${name.padEnd(8)} ${profiles[name].about} (${profiles[name].rate} a second)`).join('\n')}

A journey is one of ${scenarios.map(({ name }) => name).join(', ')}; the load is a process of its own, an open loop: a
system that stalls is charged for everybody who waited. At most ${perSecondMax} a second, ${secondsMax / 3_600} hours, ${journeysMax} journeys;
everything is on 127.0.0.1, on free ports, in a folder that is removed.

  npm run load -- smoke
  npm run load -- levels --kill payments-1
  npm run load -- stress --rate 20 --out /tmp/stress

Exit status: 0 at most 1 % errors, nothing skipped, no service level missed; 1 otherwise (for stress: the first step
wasn't carried); 2 a wrong option.`,
})

// What kafkajs and sockets leave behind isn't waited for.
process.exit(await main())

async function main(): Promise<number> {
  if (values.scenarios) {
    console.log(JSON.stringify({ profiles: shownProfiles(), scenarios }, undefined, 2))
    return 0
  }
  const name = names.find((one) => one === positionals[0])
  if (name === undefined) return refuse(`which profile? one of ${names.join(', ')}`)
  const profile = profiles[name]
  const { rate = profile.rate, minutes = profile.minutes } = values
  const phases = profile.phases(rate, minutes)
  const refused = beyond(phases)
  if (refused !== undefined) return refuse(refused)
  const seed = values.seed ?? drawnSeed()
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
