import { usageOfTree } from '../supervisor/process-table.ts'
import type { InstanceView } from '../supervisor/supervisor.ts'
import type { Invocation } from './command.ts'
import { ask, type Instances } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { paintStatus } from './status.ts'
import { type Terminal, table } from './terminal.ts'

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

type Measured = InstanceView & { pssBytes: number | undefined }

function render(instances: readonly Measured[], terminal: Terminal): string[] {
  const head = ['INSTANCE', 'STATE', 'PID', 'PORTS', 'UP', 'RESTARTS', 'MEMORY'].map((title) =>
    terminal.paint('dim', title),
  )
  const rows = instances.map((instance) => [
    instance.name,
    paintStatus(instance.status, terminal),
    String(instance.pid ?? ''),
    Object.entries(instance.ports)
      .map(([role, port]) => `${role} ${port}`)
      .join(', '),
    instance.startedAt ? duration(Date.now() - Date.parse(instance.startedAt)) : '',
    instance.restarts > 0 ? terminal.paint('yellow', String(instance.restarts)) : '0',
    instance.pssBytes === undefined ? '' : `${Math.round(instance.pssBytes / 1024 ** 2)} MB`,
  ])
  return table([head, ...rows])
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
