import { setTimeout as delay } from 'node:timers/promises'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { usageOfTree } from '@svyaz/system/supervisor/process-table.ts'
import { memoryBudgetsMb } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { ask } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { type Terminal, table } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

interface Row {
  readonly name: string
  readonly budgetMb: number
  /** Undefined: the kernel doesn't say, or nothing runs. */
  readonly pssMb: number | undefined
  /** Of one core. */
  readonly cpuPercent: number | undefined
}

/**
 * `svyaz budget`: memory of each process against what the topology allows it.
 * @returns the exit code
 */
export async function budget({ config, terminal, flags }: Invocation): Promise<number> {
  const { pid, instances } = await ask<Instances>(config.home, 'GET', '/instances')
  const subjects = [
    // Its children are rows of their own.
    { name: 'supervisor', pid, budgetMb: memoryBudgetsMb.supervisor, alone: true },
    ...instances.map((view) => ({ name: view.name, pid: view.pid, budgetMb: view.memoryBudgetMb, alone: false })),
  ]
  const seconds = wholeNumber(flags.seconds, 2)
  const idle = flags.idle === true && (await untilIdle([pid, ...instances.flatMap((view) => view.pid ?? [])]))
  const usage = () => subjects.map(({ pid, alone }) => (pid === undefined ? undefined : usageOfTree(pid, alone)))
  const before = usage()
  await delay(seconds * 1000)
  const after = usage()
  const rows = subjects.map(({ name, budgetMb }, at): Row => {
    const [first, last] = [before[at], after[at]]
    const pss = last?.pssBytes
    return {
      name,
      budgetMb,
      pssMb: pss === undefined ? undefined : Math.round(pss / 1024 ** 2),
      cpuPercent: first && last && seconds > 0 ? (last.cpuMs - first.cpuMs) / (seconds * 10) : undefined,
    }
  })
  const wholeMb = rows.reduce((sum, row) => sum + (row.pssMb ?? 0), 0)
  const cpuPercent = rows.reduce((sum, row) => sum + (row.cpuPercent ?? 0), 0)
  const whole: Row = { name: 'together', budgetMb: memoryBudgetsMb.whole, pssMb: wholeMb, cpuPercent }
  const verdict = judgeBudget([...rows, whole], idle)
  if (flags.json) terminal.json({ passed: verdict.passed, idle, whole, processes: rows })
  else for (const line of [...render([...rows, whole], terminal), ...verdict.notes]) terminal.print(line)
  return verdict.passed ? exitCodes.ok : exitCodes.failed
}

/**
 * The budgets are for a system that does nothing. What one in use takes is worth knowing and no fault; memory that the
 * kernel doesn't say is unknown either way. Pure.
 *
 * @param idle whether the processes were seen to do nothing before the look
 */
export function judgeBudget(
  rows: readonly { readonly pssMb: number | undefined; readonly budgetMb: number }[],
  idle: boolean,
): { readonly passed: boolean; readonly notes: readonly string[] } {
  const known = rows.every(({ pssMb }) => pssMb !== undefined)
  const within = rows.every(({ pssMb, budgetMb }) => pssMb === undefined || pssMb <= budgetMb)
  if (idle || within) return { passed: known && within, notes: [] }
  return {
    passed: known,
    notes: [
      '',
      'These are figures of a system in use. The budgets are for one that does nothing: `npx svyaz budget --idle` waits for that, and judges.',
    ],
  }
}

/** Less than this of one core is what waiting costs: heartbeats, polls, probes. */
const idleCpuPercent = 25
const idleWithinMs = 60_000
const idleLookMs = 2_000

/** Until the processes together have done next to nothing for a while; false when patience ends first. */
async function untilIdle(pids: readonly number[]): Promise<boolean> {
  const deadline = performance.now() + idleWithinMs
  const spent = () => pids.reduce((sum, pid) => sum + usageOfTree(pid, true).cpuMs, 0)
  let quiet = 0
  for (let before = spent(); quiet < 3 && performance.now() < deadline; ) {
    await delay(idleLookMs)
    const now = spent()
    quiet = ((now - before) / idleLookMs) * 100 < idleCpuPercent ? quiet + 1 : 0
    before = now
  }
  return quiet >= 3
}

function render(rows: readonly Row[], terminal: Terminal): string[] {
  const head = ['PROCESS', 'MEMORY', 'BUDGET', 'CPU', ''].map((title) => terminal.paint('dim', title))
  return table([
    head,
    ...rows.map(({ name, budgetMb, pssMb, cpuPercent }) => [
      name,
      pssMb === undefined ? '?' : `${pssMb} MB`,
      `${budgetMb} MB`,
      cpuPercent === undefined ? '?' : `${cpuPercent.toFixed(1)} %`,
      pssMb === undefined
        ? terminal.paint('yellow', 'unknown')
        : pssMb <= budgetMb
          ? terminal.paint('green', 'within')
          : terminal.paint('red', `over by ${pssMb - budgetMb} MB`),
    ]),
  ])
}
