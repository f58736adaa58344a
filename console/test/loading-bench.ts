/**
 * How each page of the console loads, on a running system of its own, in the machine's Chromium: rounds in turn over all
 * pages, each with nothing held by the browser, then again. Raw figures go to a file; console/README.md is made from it.
 * `npm run bench:console -- --help`.
 */
import { writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { programOf } from '../../lab/observe/program.ts'
import { startSystem } from '../../system/src/testing.ts'
import { findChromium, startChromium } from './chromium.ts'
import { type Load, measureLoad } from './loading.ts'
import { orderOnce, startingMs } from './order-once.ts'
import { addressOf, checkOf } from './page-checks.ts'
import { listedPages } from './page-list.ts'

const { values } = programOf({
  command: 'npm run bench:console --',
  about: 'How each page of the console loads: requests, bytes, and the time until it shows what it is for.',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 50 }, default: 5, about: 'every page once in each' },
    out: {
      takes: 'file',
      default: join(import.meta.dirname, '../../lab/bench/results/console.json'),
      about: 'the raw figures',
    },
  },
})

interface Row {
  readonly path: string
  readonly title: { readonly en: string; readonly ru: string }
  /** Of each round: with nothing held, and with what the first visit left. */
  readonly first: Load[]
  readonly again: Load[]
}

const executable = findChromium(process.env)
if (executable === undefined) throw new Error('there is no Chromium on this machine: install one, or set CHROMIUM_PATH')
await using system = await startSystem({ readyTimeoutMs: startingMs })
await using browser = await startChromium(executable)
const base = system.url('console')
const before = await browser.newContext({ locale: 'en-GB' })
before.setDefaultTimeout(startingMs)
await orderOnce(before, base)
await before.close()

const rows: Row[] = listedPages().map(({ path, title }) => ({ path, title, first: [], again: [] }))
for (let round = 1; round <= values.rounds; round += 1) {
  for (const row of rows) {
    const [place] = checkOf(row.path).places
    const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: 'en-GB' })
    context.setDefaultTimeout(startingMs)
    for (const visit of [row.first, row.again])
      visit.push(await measureLoad(context, addressOf(base, row.path, place), place.shows))
    await context.close()
    const [first, again] = [row.first.at(-1), row.again.at(-1)]
    process.stdout.write(
      `${round} /${row.path.padEnd(10)} ${first?.files.bytes} + ${first?.answers.bytes} bytes, ${first?.usefulMs} ms; again ${again?.usefulMs} ms\n`,
    )
  }
}
const machine = `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load ${loadavg()[0]?.toFixed(1)} at the end`
const command = `npm run bench:console -- --rounds ${values.rounds}`
const chromium = browser.version()
writeFileSync(
  values.out,
  `${JSON.stringify({ command, at: new Date().toISOString(), machine, chromium, rounds: values.rounds, pages: rows }, null, 2)}\n`,
)
