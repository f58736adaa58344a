/** `svyaz verify`: proves the rows of the assignment on the running system, and prints what it saw. */
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { type Requirement, requirements } from '../../assignment.ts'
import { openShared } from '../verify/outside.ts'
import type { Finding, Verdict } from '../verify/proof.ts'
import { exitCodeOf, verify as prove } from '../verify/verify.ts'
import type { Invocation } from './command.ts'
import { supervisorOn } from './control-client.ts'
import { down } from './down.ts'
import { exitCodes, UsageError } from './errors.ts'
import { nearest } from './nearest.ts'
import type { Style, Terminal } from './terminal.ts'
import { up } from './up.ts'

const styles: Record<Verdict, Style> = { PASS: 'green', FAIL: 'red', 'NOT RUN': 'yellow' }

export async function verify(invocation: Invocation): Promise<number> {
  const { config, terminal, flags, positionals } = invocation
  const rows = chosen(positionals)
  const startedHere = supervisorOn(config.home) === undefined
  if (startedHere) {
    if (!flags.json) terminal.print('Nothing runs here yet: starting the system.')
    stopOnSignal(invocation)
    await up({ ...invocation, terminal: silent(terminal), flags: { detach: true } })
  }
  let code: number = exitCodes.failed
  try {
    const startedAt = performance.now()
    const shared = await openShared(config.home)
    const show = (finding: Finding) => {
      if (!flags.json) for (const line of findingLines(finding, terminal)) terminal.print(line)
    }
    const findings = await prove(rows, shared, show).finally(() => shared[Symbol.asyncDispose]())
    const tookMs = Math.round(performance.now() - startedAt)
    const exitCode = exitCodeOf(findings)
    if (typeof flags.evidence === 'string')
      writeFileSync(
        resolve(flags.evidence),
        `${JSON.stringify(Object.fromEntries(findings.map(({ id, evidence }) => [id, evidence])), null, 1)}\n`,
      )
    if (flags.json) terminal.json({ tookMs, exitCode, findings: findings.map(({ evidence: _, ...rest }) => rest) })
    else for (const line of summary(findings, tookMs, terminal)) terminal.print(line)
    if (config.debug) terminal.complain(`still open: ${process.getActiveResourcesInfo().join()}`)
    code = exitCode
    return exitCode
  } finally {
    if (startedHere) await down({ ...invocation, terminal: silent(terminal), flags: {} })
    leaveSoon(code)
  }
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

/** A system that was started for the proofs must not outlive them. */
function stopOnSignal(invocation: Invocation): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      void down({ ...invocation, flags: {} }).finally(() => process.exit(exitCodes.failed))
    })
  }
}

const silent = (terminal: Terminal): Terminal => ({ ...terminal, columns: terminal.columns, print: () => {} })

/** Steps that say the same twice (one trace, two proofs) are shown once; a long list is cut. */
const stepsShown = 14

function findingLines({ id, what, verdict, reasons, steps, tookMs }: Finding, terminal: Terminal): string[] {
  const mark = terminal.paint(styles[verdict], verdict.padEnd(7))
  const head = `\n${mark} ${terminal.paint('bold', id)} ${what} ${terminal.paint('dim', `${(tookMs / 1_000).toFixed(1)} s`)}`
  const more = steps.length > stepsShown ? [`        … ${steps.length - stepsShown} more with --json`] : []
  return [
    head,
    ...steps
      .slice(0, stepsShown)
      .flatMap(({ command, answer }) => [`        $ ${command}`, terminal.paint('dim', `          ${answer}`)]),
    ...more,
    ...reasons.map((reason) => `        ${terminal.paint(styles[verdict], reason)}`),
  ]
}

function summary(findings: readonly Finding[], tookMs: number, terminal: Terminal): string[] {
  const count = (verdict: Verdict) => findings.filter((finding) => finding.verdict === verdict).length
  return [
    '',
    ...findings.map(({ id, verdict, what, reasons }) =>
      [
        `${terminal.paint(styles[verdict], verdict.padEnd(7))} ${id.padEnd(6)}`,
        verdict === 'PASS' ? what : `${what}: ${terminal.paint('dim', reasons[0] ?? '')}`,
      ].join(' '),
    ),
    '',
    `${count('PASS')} passed, ${count('FAIL')} failed, ${count('NOT RUN')} not run, in ${(tookMs / 1_000).toFixed(0)} s`,
  ]
}
