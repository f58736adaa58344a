/** `svyaz doctor`: gathers facts, judges them, says what is wrong and what to do. */
import type { Invocation } from './command.ts'
import { type Finding, judge } from './doctor/checks.ts'
import { gather } from './doctor/gather.ts'
import { exitCodes } from './errors.ts'
import type { Style, Terminal } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * `svyaz doctor`: what keeps the system from running here, and what to do about it.
 * @returns the exit code
 */
export async function doctor({ config, flags, terminal }: Invocation): Promise<number> {
  const findings = judge(
    await gather(config, flags['port-offset'] === undefined ? undefined : wholeNumber(flags['port-offset'], 0)),
  )
  const wrong = findings.filter(({ level }) => level === 'wrong').length
  if (flags.json) terminal.json({ passed: wrong === 0, findings })
  else for (const line of render(findings, terminal)) terminal.print(line)
  return wrong === 0 ? exitCodes.ok : exitCodes.failed
}

const looks: Readonly<Record<Finding['level'], { sign: string; style: Style }>> = {
  ok: { sign: '✓', style: 'green' },
  warning: { sign: '!', style: 'yellow' },
  wrong: { sign: '✗', style: 'red' },
}

function render(findings: readonly Finding[], terminal: Terminal): string[] {
  const widest = Math.max(...findings.map(({ check }) => check.length))
  const indent = ' '.repeat(widest + 6)
  const lines = findings.flatMap(({ check, level, what, why, remedy }) => [
    `  ${terminal.paint(looks[level].style, looks[level].sign)} ${check.padEnd(widest)}  ${what}`,
    ...(why === undefined ? [] : [`${indent}${terminal.paint('dim', why)}`]),
    ...(remedy === undefined ? [] : [`${indent}${terminal.paint('bold', '→')} ${remedy}`]),
  ])
  const count = (level: Finding['level']) => findings.filter((finding) => finding.level === level).length
  const warnings = count('warning') === 0 ? '' : `, ${count('warning')} worth a look`
  const verdict = count('wrong') === 0 ? `Nothing is wrong${warnings}.` : `${count('wrong')} wrong${warnings}.`
  return [...lines, '', terminal.paint('bold', verdict)]
}
