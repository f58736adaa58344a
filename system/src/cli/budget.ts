import { setTimeout as delay } from 'node:timers/promises'
import { memoryBudgetsMb } from '../../topology.ts'
import { usageOfTree } from '../supervisor/process-table.ts'
import type { Invocation } from './command.ts'
import { ask, type Instances } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { type Terminal, table } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

interface Row {
  readonly name: string
  readonly budgetMb: number
  /** Undefined: the kernel doesn't tell, or nothing runs. */
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
  if (flags.idle) await untilIdle([pid, ...instances.flatMap((view) => view.pid ?? [])])
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
  const passed = [...rows, whole].every((row) => row.pssMb !== undefined && row.pssMb <= row.budgetMb)
  if (flags.json) terminal.json({ passed, whole, processes: rows })
  else for (const line of render([...rows, whole], terminal)) terminal.print(line)
  return passed ? exitCodes.ok : exitCodes.failed
}

/** Less than this of one core is what waiting costs: heartbeats, polls, probes. */
const idleCpuPercent = 25
const idleWithinMs = 60_000
const idleLookMs = 2_000

/** Until the processes together have done next to nothing for a while, or patience ends: what is then is measured. */
async function untilIdle(pids: readonly number[]): Promise<void> {
  const deadline = performance.now() + idleWithinMs
  const spent = () => pids.reduce((sum, pid) => sum + usageOfTree(pid, true).cpuMs, 0)
  for (let quiet = 0, before = spent(); quiet < 3 && performance.now() < deadline; ) {
    await delay(idleLookMs)
    const now = spent()
    quiet = ((now - before) / idleLookMs) * 100 < idleCpuPercent ? quiet + 1 : 0
    before = now
  }
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
