import { setTimeout } from 'node:timers/promises'
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
  const perform = async (target: string): Promise<readonly InstanceView[]> => {
    const answer = await askAndWait<{ instances: InstanceView[] }>(
      config.home,
      `/instances/${encodeURIComponent(target)}/${action}`,
      ({ name, service }) => name === target || service === target,
    )
    return answer.instances
  }
  const instances = flags['one-by-one']
    ? await oneByOne(namesIn(present, positionals), perform)
    : (await Promise.all(positionals.map(perform))).flat()
  if (flags.json) terminal.json({ instances })
  else for (const instance of instances) terminal.print(`${instance.name}  ${paintStatus(instance.status, terminal)}`)
  return exitCodes.ok
}

/** Longer than a balancer leaves one out that it saw stop (outside/balancer/src/nginx-conf.ts), twice. */
const settleMs = 2_500

/** Instances by name, or all of a service. */
const namesIn = (present: readonly InstanceView[], targets: readonly string[]): string[] => [
  ...new Set(
    targets.flatMap((target) =>
      present.filter(({ name, service }) => name === target || service === target).map(({ name }) => name),
    ),
  ),
]

async function oneByOne(
  names: readonly string[],
  perform: (name: string) => Promise<readonly InstanceView[]>,
): Promise<InstanceView[]> {
  const done: InstanceView[] = []
  for (const [at, name] of names.entries()) {
    if (at > 0) await setTimeout(settleMs)
    done.push(...(await perform(name)))
  }
  return done
}
