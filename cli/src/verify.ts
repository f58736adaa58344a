/** `svyaz verify`: proves the rows of the assignment on the running system, and prints what it saw. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { beginExamination } from '@svyaz/system/supervisor/examination.ts'
import { assignment, type Requirement, requirements } from '@svyaz/verify/assignment.ts'
import { described } from '@svyaz/verify/described.ts'
import type { EngineEvidence } from '@svyaz/verify/engine-suites.ts'
import { rowsOnEngines, verifyOnEngines } from '@svyaz/verify/on-engines.ts'
import { openShared } from '@svyaz/verify/outside.ts'
import type { Finding } from '@svyaz/verify/proof.ts'
import { exitCodeOf, notBegun, verify as prove, type Telling } from '@svyaz/verify/verify.ts'
import { addresses } from './broker.ts'
import type { Invocation } from './command.ts'
import { supervisorOn } from './control-client.ts'
import { down } from './down.ts'
import { exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import { stopInOrder } from './stop-in-order.ts'
import type { Terminal } from './terminal.ts'
import { up } from './up.ts'
import { findingLines, summary } from './verify-report.ts'

/**
 * `svyaz verify [row…]`.
 * @returns 0 when every row is a PASS, 1 when one is a FAIL, 2 when some were not run
 */
export async function verify(invocation: Invocation): Promise<number> {
  const { config, terminal, flags, positionals } = invocation
  const rows = chosen(positionals)
  if (flags.profile !== undefined && flags.profile !== 'embedded' && flags.profile !== 'engines')
    throw new UsageError(`--profile is embedded or engines, not "${flags.profile}"`)
  if (flags.list) return list(rows, invocation)
  if (flags.profile === 'engines') return onEngines(rows, invocation)
  const startedHere = supervisorOn(config.home) === undefined
  const end = () => (startedHere ? down({ ...invocation, terminal: silent(terminal), flags: {} }) : Promise.resolve(0))
  // A system that was started for the proofs must not outlive them, however they end.
  const stopping = stopInOrder(
    () => void end().finally(() => process.exit(exitCodes.failed)),
    (error) => terminal.complain(`svyaz: ${config.debug ? error.stack : error.message}`),
  )
  stopping.addEventListener('abort', () => {
    if (isForPeople(invocation))
      terminal.complain('Stopping: what is under way brings back what it broke. A second Ctrl-C ends at once.')
  })
  if (startedHere) {
    const started = await start(invocation, stopping)
    if (started !== exitCodes.ok) return started
  } else if (isForPeople(invocation)) terminal.print(`Judging the system that runs on ${config.home}.`)
  let code: number = exitCodes.failed
  try {
    const of = positionals.join(' ') || 'all rows'
    if (stopping.aborted) code = report(rows.map(notBegun), 0, invocation)
    else {
      using proof = beginExamination(config.home, { kind: 'proof', of }, () => new Date().toISOString())
      stopping.addEventListener('abort', () => proof.stopping())
      code = await proveAll(rows, invocation, stopping, startedHere ? end : undefined)
    }
    return code
  } finally {
    await end()
    leaveSoon(code)
  }
}

/**
 * Starts the system for the proofs; one that isn't ready, or is given up, is stopped again.
 * @returns the exit code: `ok` also when it was given up, as there is a report to be made
 */
async function start(invocation: Invocation, stopping: AbortSignal): Promise<number> {
  const { terminal, flags } = invocation
  if (isForPeople(invocation)) terminal.print('Nothing runs here yet: starting the system.')
  const flagsOfUp = { detach: true, 'port-offset': flags['port-offset'] }
  try {
    // Left running, what isn't ready would be what the next `verify` judges.
    return await up(
      { ...invocation, terminal: silent(terminal), flags: flagsOfUp },
      { whenLate: 'is stopped', signal: stopping },
    )
  } catch (error) {
    if (stopping.aborted) return exitCodes.ok
    throw error
  }
}

/** @returns the exit code */
async function proveAll(
  rows: readonly Requirement[],
  invocation: Invocation,
  stopping: AbortSignal,
  end: (() => Promise<number>) | undefined,
): Promise<number> {
  const { config, terminal } = invocation
  const startedAt = performance.now()
  await using shared = await openShared(config.home, await addresses(invocation), config.environment)
  const stop = async () => {
    await shared[Symbol.asyncDispose]()
    await end?.()
  }
  const telling = { ...tellingOf(invocation), stopping, ...(end === undefined ? {} : { stop }) }
  const findings = await prove(rows, shared, telling)
  const exitCode = report(findings, Math.round(performance.now() - startedAt), invocation)
  if (config.debug) terminal.complain(`still open: ${process.getActiveResourcesInfo().join()}`)
  return exitCode
}

/** What all rows came to, in the form that was asked for. @returns the exit code */
function report(findings: readonly Finding[], tookMs: number, { flags, terminal }: Invocation): number {
  const exitCode = exitCodeOf(findings)
  if (typeof flags.evidence === 'string')
    writeFileSync(
      resolve(flags.evidence),
      `${JSON.stringify(Object.fromEntries(findings.map(({ id, evidence }) => [id, evidence])), null, 1)}\n`,
    )
  if (flags.lines) {
    const notRun = findings.filter(({ stopped }) => stopped).map(({ id }) => id)
    terminal.json({ type: 'end', tookMs, exitCode, ...(notRun.length === 0 ? {} : { stopped: notRun }) })
  } else if (flags.json) terminal.json({ tookMs, exitCode, findings: findings.map(({ evidence: _, ...rest }) => rest) })
  else for (const line of summary(assignment, findings, tookMs, terminal)) terminal.print(line)
  return exitCode
}

const isForPeople = ({ flags }: Invocation): boolean => !flags.json && !flags.lines

/** What is said while rows are proven: findings for people, steps and findings as lines of JSON, or nothing before the end. */
function tellingOf(invocation: Invocation): Telling {
  const { flags, terminal } = invocation
  if (flags.lines)
    return {
      step: (id, step) => terminal.json({ type: 'step', id, ...step }),
      tell: ({ evidence: _, steps: __, ...finding }) => terminal.json({ type: 'finding', finding }),
    }
  if (flags.json) return {}
  return {
    tell: (finding) => {
      for (const line of findingLines(finding, terminal)) terminal.print(line)
    },
  }
}

/** `--list`: the rows, with what proves each and where. */
function list(rows: readonly Requirement[], { flags, terminal }: Invocation): number {
  const sections = assignment
    .map(({ rows: all, ...section }) => ({ ...section, rows: all.filter((row) => rows.includes(row)).map(described) }))
    .filter((section) => section.rows.length > 0)
  if (flags.json) terminal.json({ sections })
  else
    for (const { title, rows: own } of sections)
      for (const line of ['', terminal.paint('bold', title), ...own.map(({ id, what }) => `${id.padEnd(6)} ${what}`)])
        terminal.print(line)
  return exitCodes.ok
}

/** The rows that need real engines, by the suites that start those installed here. */
async function onEngines(rows: readonly Requirement[], { config, flags, terminal }: Invocation): Promise<number> {
  if (rowsOnEngines(rows).length === 0)
    throw new UsageError('none of these rows needs engines: leave out --profile engines')
  const interrupted = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => interrupted.abort())
  const startedAt = performance.now()
  const findings = await verifyOnEngines(rows, {
    root: config.root,
    environment: config.environment,
    signal: interrupted.signal,
    today: new Date().toISOString().slice(0, 10),
    tell: (finding) => {
      if (!flags.json) for (const line of findingLines(finding, terminal)) terminal.print(line)
    },
  })
  const tookMs = Math.round(performance.now() - startedAt)
  const exitCode = exitCodeOf(findings)
  if (typeof flags.evidence === 'string') keepWith(resolve(flags.evidence), findings)
  if (flags.json) terminal.json({ tookMs, exitCode, findings: findings.map(({ evidence: _, ...rest }) => rest) })
  else for (const line of summary(assignment, findings, tookMs, terminal)) terminal.print(line)
  return exitCode
}

/** Rows of other runs stay in the file: engines are seldom all on one machine. What an interrupted suite said is left out. */
function keepWith(file: string, findings: readonly Finding[]): void {
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as object) : {}
  const whole = findings.filter(({ evidence }) => !(evidence as EngineEvidence).suites.some((one) => one.interrupted))
  const after = { ...before, ...Object.fromEntries(whole.map(({ id, evidence }) => [id, evidence])) }
  writeFileSync(file, `${JSON.stringify(after, null, 1)}\n`)
}

/** Rows by id; `R4` stands for all that begin so. */
function chosen(ids: readonly string[]): readonly Requirement[] {
  for (const id of ids) {
    if (requirements.some((row) => belongs(row, id))) continue
    const guess = nearest(
      id,
      requirements.map((row) => row.id),
    )
    throw new UsageError(`there is no row "${id}"${guess ? `; did you mean ${guess}?` : ''}`)
  }
  return ids.length === 0 ? requirements : requirements.filter((row) => ids.some((id) => belongs(row, id)))
}

const belongs = (row: Requirement, id: string): boolean => row.id === id || row.id.startsWith(`${id}.`)

/**
 * A Kafka client that lost its broker in a proof may keep a reconnection planned after it was closed: what is done must
 * not wait for that. The timer itself keeps nothing alive.
 */
function leaveSoon(exitCode: number): void {
  setTimeout(() => process.exit(exitCode), leaveAfterMs).unref()
}
const leaveAfterMs = 5_000

const silent = (terminal: Terminal): Terminal => ({ ...terminal, columns: terminal.columns, print: () => {} })
