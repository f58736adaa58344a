/** The listeners of a running system, process by process, for the suite and the campaign. */
import { controlListener, listeners } from '@svyaz/system/listeners'
import type { System } from '@svyaz/system/testing'
import type { Subject, Target } from './suite.ts'

/** An address of this machine that nobody else uses; elsewhere than on Linux only 127.0.0.1 is one. */
export const loopback = (last: number): string | undefined =>
  process.platform === 'linux' ? `127.0.0.${last}` : undefined

/** Every process with its listeners; PostgreSQL, which isn't ours, is left out. */
export function subjectsOf(system: System): Subject[] {
  const instances = system.instances().map(
    ({ name, service, ports }): Subject => ({
      name,
      targets: listeners
        .filter((listener) => listener.process === service && !listener.foreign)
        .map(
          (listener): Target => ({
            name: `${name}/${listener.port}`,
            listener,
            at: { port: portOf(name, ports, listener.port) },
          }),
        ),
      identity: () => identityOf(system, name),
    }),
  )
  const control: Subject = {
    name: 'supervisor',
    targets: [{ name: 'supervisor/control', listener: controlListener, at: { path: system.controlSocket } }],
    identity: () => String(process.pid),
  }
  return [...instances.filter(({ targets }) => targets.length > 0), control]
}

/** An instance's process and restarts: a text that changes when it died. */
export function identityOf(system: System, name: string): string {
  const view = system.instances().find((instance) => instance.name === name)
  return view === undefined ? 'gone' : `process ${view.pid ?? 'none'} after ${view.restarts} restarts`
}

function portOf(instance: string, ports: Readonly<Record<string, number>>, name: string): number {
  const port = ports[name]
  if (port === undefined) throw new Error(`${instance} has no port "${name}"`)
  return port
}
