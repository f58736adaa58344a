/**
 * Runs the project's tests with node:test and says what a person wants to know: one line per file as it
 * ends, what failed and why, and totals in the last line. `npm test` and `npm run test:all` are this.
 */
import { globSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { run } from 'node:test'
import { parseArgs } from 'node:util'
import { exitStatus, Report, totalsLine } from './test/report.ts'

const root = join(import.meta.dirname, '..')

const help = `npm test [-- [options] [file or folder …]]

  --slow               the tests too slow for everyday use (*.slow.test.ts) instead of the others
  --containers         those that need a Docker daemon (*.containers.test.ts); npm run test:containers starts one
  --name <pattern>     only tests whose name matches
  --concurrency <n>    files at a time (default 2; what loads the whole machine runs alone)
  --verbose            one line per test
  --help

Exit status: 0 all passed, 1 something failed, 2 nothing to run or a wrong option, 130 interrupted.`

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    slow: { type: 'boolean', default: false },
    containers: { type: 'boolean', default: false },
    name: { type: 'string' },
    concurrency: { type: 'string' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (options.help) {
  process.stdout.write(`${help}\n`)
  process.exit(0)
}

const kind = options.containers ? 'containers' : options.slow ? 'slow' : 'usual'
const files = testFiles(kind, positionals)
if (files.length === 0 && positionals.length > 0) {
  process.stderr.write(`no ${kind} tests in ${positionals.join(', ')}\n`)
  process.exit(2)
}
process.exitCode = await runAll(files)

/** Every test file below the checkout, or below the paths given. */
function testFiles(wantedKind: string, within: string[]): string[] {
  const wanted = within.map((path) => relative(root, join(process.cwd(), path)))
  return globSync('**/*.test.{ts,mjs}', { cwd: root, exclude: ['**/node_modules/**', '**/.svyaz/**', '**/dist/**'] })
    .filter((file) => (/\.(slow|containers)\.test\.\w+$/.exec(file)?.[1] ?? 'usual') === wantedKind)
    .filter(
      (file) =>
        wanted.length === 0 || wanted.some((path) => path === '' || file === path || file.startsWith(path + sep)),
    )
    .sort()
    .map((file) => join(root, file))
}

/** The checker asks for a rate of orders that two processors carry only when nothing else runs. */
function loadsTheMachine(file: string): boolean {
  return relative(root, file).startsWith(join('lab', 'checker', sep))
}

async function runAll(list: string[]): Promise<number> {
  const report = new Report({
    root,
    fileCount: list.length,
    verbose: options.verbose,
    write: (text) => process.stdout.write(text),
  })
  if (list.length > 0) {
    const interruption = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interruption.abort())
    const atOnce = Number(options.concurrency ?? 2)
    const alone = options.slow ? list.filter(loadsTheMachine) : []
    for (const [part, concurrency] of [
      [alone, 1],
      [list.filter((file) => !alone.includes(file)), atOnce],
    ] as const) {
      if (part.length === 0 || interruption.signal.aborted) continue
      const events = run({
        files: part,
        concurrency,
        // Of a file: one that hangs fails instead of holding up the rest for ever.
        timeout: (kind === 'usual' ? 10 : 40) * 60_000,
        signal: interruption.signal,
        ...(options.name ? { testNamePatterns: [options.name] } : {}),
      })
      for await (const event of events) report.take(event)
    }
    report.end(interruption.signal.aborted)
  }
  process.stdout.write(`${totalsLine(report.totals)}\n`)
  return exitStatus(report.totals, report.interrupted)
}
