import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { InstanceView } from '@svyaz/system/supervisor/supervisor.ts'
import { topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { ask, assertKnown } from './control-client.ts'
import { exitCodes, UsageError } from './errors.ts'
import { askAndWait } from './late.ts'
import { paintStatus } from './status.ts'
import { readWhole } from './whole-number.ts'

/**
 * `svyaz scale <service>=<n>`, or `<service>=auto`.
 * @returns the exit code
 */
export async function scale({ positionals, config, terminal, flags }: Invocation): Promise<number> {
  const wishes = positionals.map((text) => {
    const [, service, count] = text.match(/^([^=]+)=(.+)$/) ?? []
    if (!service || count === undefined)
      throw new UsageError(`"${text}" is not of the form <service>=<n>, e.g. orders=2, or gateway=auto`)
    return { service, path: `/services/${service}/${wishOf(service, count)}` }
  })
  const { instances: present } = await ask<Instances>(config.home, 'GET', '/instances')
  // A service that was scaled to nothing has no instance left; the topology still knows it.
  const services = [
    ...present.map((instance) => instance.service),
    ...topology.processes.map((process) => process.name),
  ]
  assertKnown(
    'service',
    wishes.map((wish) => wish.service),
    [...new Set(services)],
  )
  const answers = await Promise.all(
    wishes.map(({ service, path }) =>
      askAndWait<{ instances: InstanceView[] }>(config.home, path, (instance) => instance.service === service),
    ),
  )
  const instances = answers.flatMap((answer) => answer.instances)
  if (flags.json) terminal.json({ instances })
  else for (const instance of instances) terminal.print(`${instance.name}  ${paintStatus(instance.status, terminal)}`)
  return exitCodes.ok
}

/** Without bounds of its own: as many as a machine of a developer carries. */
const autoBounds = { min: 1, max: 4 }

/** The end of the path that the supervisor is asked: `scale/2`, or `auto/1/4`. @throws UsageError */
function wishOf(service: string, wish: string): string {
  const auto = /^auto(?::(\d{1,3})-(\d{1,3}))?$/.exec(wish)
  if (auto === null) return `scale/${readWhole(`${service}=<n>`, wish, { min: 0, max: 999 })}`
  const [, min = autoBounds.min, max = autoBounds.max] = auto
  return `auto/${Number(min)}/${Number(max)}`
}
