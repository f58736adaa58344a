/** Tools about processes: what runs, and doing something to it. */
import { z } from 'zod'
import type { Measured } from '../ps.ts'
import { runCommand } from './run-command.ts'
import { tool } from './tool.ts'

const actions = ['kill', 'restart', 'stop', 'start', 'pause', 'resume'] as const

/** Those that only look. */
export const processTools = [
  tool({
    name: 'processes',
    title: 'What runs',
    description:
      'Every process of the system: state, pid, ports, restarts, memory, and why it is in its state. Use it first when anything misbehaves or an address is needed; then `logs` of the one that is not ready.',
    input: z.strictObject({
      not_ready: z.boolean().optional().describe('only those that are not ready'),
    }),
    run: async ({ not_ready: notReady }, place) => {
      const { ps } = await import('../ps.ts')
      const { values } = await runCommand(ps, place)
      const { instances } = values[0] as { instances: readonly Measured[] }
      const chosen = notReady ? instances.filter(({ status }) => status !== 'ready') : instances
      return { count: instances.length, processes: chosen.map(viewOf) }
    },
  }),
]

const viewOf = ({ name, service, kind, status, pid, ports, restarts, startedAt, reason, pssBytes }: Measured) => ({
  name,
  service,
  kind,
  status,
  pid,
  ports,
  restarts,
  startedAt,
  reason,
  memoryMb: pssBytes === undefined ? undefined : Math.round(pssBytes / 1024 ** 2),
})

/** Those that do something. */
export const processChanges = [
  tool({
    name: 'act_on_process',
    title: 'Kill, restart, stop, start, pause or resume',
    description:
      'Does one thing to an instance (`payments-1`) or to all of a service (`payments`). kill is SIGKILL, and the supervisor starts it again; pause freezes it with its connections open until resume; stop lasts until start. Returns the state afterwards; look at `processes` until it is ready.',
    input: z.strictObject({
      action: z.enum(actions),
      target: z.string().min(1).max(100).describe('an instance or a service, as `processes` names them'),
    }),
    changes: true,
    run: async ({ action, target }, place) => {
      const { act } = await import('../act.ts')
      const { values } = await runCommand((invocation) => act(action, invocation), place, [target])
      return { instances: (values[0] as { instances: readonly Measured[] }).instances.map(viewOf) }
    },
  }),
  tool({
    name: 'scale',
    title: 'More or fewer instances',
    description:
      'Runs this many instances of a service, and waits until they are ready or gone. The next start of the system has the usual numbers again.',
    input: z.strictObject({
      service: z.string().min(1).max(100),
      count: z.int().min(0).max(16),
    }),
    changes: true,
    run: async ({ service, count }, place) => {
      const { scale } = await import('../scale.ts')
      const { values } = await runCommand(scale, place, [`${service}=${count}`])
      return { instances: (values[0] as { instances: readonly Measured[] }).instances.map(viewOf) }
    },
  }),
]
