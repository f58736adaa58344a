/**
 * `svyaz verify --profile engines`: rows that need real engines, proven by the suites that start those that are installed
 * here, one after the other. What isn't installed is named, and its row is NOT RUN.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Requirement } from './assignment.ts'
import {
  type EngineEvidence,
  type EngineSuite,
  engineRows,
  judgeEngines,
  outcomeOf,
  type SuiteOutcome,
} from './engine-suites.ts'
import type { Finding } from './proof.ts'

/** Building the containers' images for the first time takes a quarter of an hour. */
const suiteMs = 40 * 60_000
const outputBytesMax = 4_000_000

export interface EngineRun {
  readonly root: string
  readonly environment: NodeJS.ProcessEnv
  /** Ends the suite that runs. */
  readonly signal: AbortSignal
  /** RFC 3339, a day: kept with the evidence. */
  readonly today: string
  readonly tell: (finding: Finding) => void
}

/** Rows that have suites, in their order. */
export const rowsOnEngines = (rows: readonly Requirement[]): readonly Requirement[] =>
  rows.filter(({ id }) => engineRows[id] !== undefined)

/** @returns a finding for each row; a suite that several rows want is run once */
export async function verifyOnEngines(rows: readonly Requirement[], run: EngineRun): Promise<Finding[]> {
  const known = new Map<string, Promise<SuiteOutcome>>()
  const findings: Finding[] = []
  for (const row of rowsOnEngines(rows)) {
    const startedAt = performance.now()
    const wanted = engineRows[row.id]!
    const suites: SuiteOutcome[] = []
    for (const suite of wanted.suites) {
      const outcome = known.get(suite.file) ?? runSuite(suite, run)
      known.set(suite.file, outcome)
      suites.push(await outcome)
    }
    const [verdict, reasons] = judgeEngines(row, wanted, suites)
    const evidence: EngineEvidence = { at: run.today, suites }
    const finding: Finding = {
      id: row.id,
      what: row.what,
      verdict,
      reasons,
      steps: suites.map((suite) => ({ command: commandOf(suite), answer: answerOf(suite) })),
      tookMs: Math.round(performance.now() - startedAt),
      evidence,
    }
    findings.push(finding)
    run.tell(finding)
  }
  return findings
}

const isTest = (file: string): boolean => file.endsWith('.test.ts')

const commandOf = ({ file }: EngineSuite): string =>
  isTest(file) ? `npm test -- ${file.includes('.slow.') ? '--slow ' : ''}${file}` : 'npm run test:containers'

const answerOf = ({ engines, passed, failed, skipped, interrupted }: SuiteOutcome): string =>
  [
    interrupted ? 'interrupted' : `${passed} passed, ${failed} failed`,
    ...skipped.map((why) => `left out: ${why}`),
    engines.join(', '),
  ].join('; ')

async function runSuite(suite: EngineSuite, { root, environment, signal }: EngineRun): Promise<SuiteOutcome> {
  if (signal.aborted) return { ...suite, passed: 0, failed: 0, skipped: [], interrupted: true }
  const file = join(root, suite.file)
  const args = isTest(suite.file) ? ['--test', '--test-reporter=tap', file] : [file]
  const child = spawn(process.execPath, args, {
    cwd: root,
    // A suite within a suite would not be one.
    env: { ...environment, NODE_TEST_CONTEXT: undefined, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'inherit'],
    signal: AbortSignal.any([signal, AbortSignal.timeout(suiteMs)]),
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    output = (output + part).slice(-outputBytesMax)
  })
  const status = await new Promise<number | null>((resolve) => {
    // Interrupted, it is waited for: it may have engines to stop.
    child.once('error', (error) => void (error.name === 'AbortError' || resolve(null)))
    child.once('close', resolve)
  })
  const outcome = outcomeOf(suite, output, status)
  return signal.aborted && status !== 0 ? { ...outcome, interrupted: true } : outcome
}
