import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import { usageOfTree } from '@svyaz/system/supervisor/process-table.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import type { Invocation } from './command.ts'
import { ask } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { paintStatus } from './status.ts'
import { type Terminal, table, visible } from './terminal.ts'

/**
 * `svyaz ps`: the processes with state, ports, memory.
 * @returns the exit code
 */
export async function ps({ config, terminal, flags }: Invocation): Promise<number> {
  const answer = await ask<Instances>(config.home, 'GET', '/instances')
  const measured = answer.instances.map((instance) => ({
    ...instance,
    pssBytes: instance.pid === undefined ? undefined : usageOfTree(instance.pid).pssBytes,
  }))
  if (flags.json) terminal.json({ pid: answer.pid, instances: measured })
  else for (const line of render(measured, terminal)) terminal.print(line)
  return exitCodes.ok
}

export type Measured = InstanceView & { pssBytes: number | undefined }

interface Column {
  readonly title: string
  cell(instance: Measured): string
}

/** As much as fits the terminal: first the ports are shortened to one each, then left out, then the less needed columns. */
export function render(instances: readonly Measured[], terminal: Terminal, nowMs = Date.now()): string[] {
  const ports = (max: number): Column => ({
    title: 'PORTS',
    cell: (instance) =>
      Object.entries(instance.ports)
        .slice(0, max)
        .map(([role, port]) => `${role} ${port}`)
        .join(', '),
  })
  const name: Column = { title: 'INSTANCE', cell: (instance) => instance.name }
  const state: Column = { title: 'STATE', cell: ({ status }) => paintStatus(status, terminal) }
  const pid: Column = { title: 'PID', cell: (instance) => String(instance.pid ?? '') }
  const up: Column = {
    title: 'UP',
    cell: ({ startedAt }) => (startedAt ? duration(nowMs - Date.parse(startedAt)) : ''),
  }
  const restarts: Column = {
    title: 'RESTARTS',
    cell: ({ restarts }) => (restarts > 0 ? terminal.paint('yellow', String(restarts)) : '0'),
  }
  const memory: Column = {
    title: 'MEMORY',
    cell: ({ pssBytes }) => (pssBytes === undefined ? '' : `${Math.round(pssBytes / 1024 ** 2)} MB`),
  }
  const layouts = [
    [name, state, pid, ports(9), up, restarts, memory],
    [name, state, pid, ports(1), up, restarts, memory],
    [name, state, pid, ports(1), memory],
    [name, state, memory],
  ]
  const drawn = layouts.map((columns) =>
    table([
      columns.map(({ title }) => terminal.paint('dim', title)),
      ...instances.map((instance) => columns.map((column) => column.cell(instance))),
    ]),
  )
  const fits = (lines: readonly string[]) => lines.every((line) => visible(line) <= terminal.columns)
  const lines = (terminal.live ? (drawn.find(fits) ?? drawn.at(-1)) : drawn[0]) ?? []
  return [...lines, ...reasons(instances, terminal)]
}

/** Below the table, because a reason is longer than a column. */
function reasons(instances: readonly Measured[], terminal: Terminal): string[] {
  const told = instances.filter(({ reason }) => reason !== undefined)
  return told.length === 0
    ? []
    : ['', ...told.map(({ name, reason }) => `${terminal.paint('yellow', name)}: ${reason}`)]
}

/** The two largest units of a time in milliseconds, e.g. `3 h 12 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`
}
