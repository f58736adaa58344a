import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { Action, InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import type { Invocation } from './command.ts'
import { ask, assertKnown, targetsIn } from './control-client.ts'
import { exitCodes } from './errors.ts'
import { askAndWait } from './late.ts'
import { paintStatus } from './status.ts'

/** kill, restart, stop, start, pause, resume: one request for each name, all at once. */
export async function act(action: Action, { positionals, config, terminal, flags }: Invocation): Promise<number> {
  const { instances: present } = await ask<Instances>(config.home, 'GET', '/instances')
  assertKnown('instance or service', positionals, targetsIn(present))
  const answers = await Promise.all(
    positionals.map((target) =>
      askAndWait<{ instances: InstanceView[] }>(
        config.home,
        `/instances/${encodeURIComponent(target)}/${action}`,
        ({ name, service }) => name === target || service === target,
      ),
    ),
  )
  const instances = answers.flatMap((answer) => answer.instances)
  if (flags.json) terminal.json({ instances })
  else for (const instance of instances) terminal.print(`${instance.name}  ${paintStatus(instance.status, terminal)}`)
  return exitCodes.ok
}
