/** What a consumer counts. */
import type { Core } from '../../core.ts'
import type { CloudEvent } from '../cloud-events.ts'

export type ConsumerMetrics = ReturnType<typeof consumerMetrics>

/** The counters of one consumer group. */
export function consumerMetrics(core: Core, group: string) {
  const handled = core.metrics.counter('svyaz_messages_handled_total', 'Tries by how they ended', [
    'group',
    'type',
    'outcome',
  ])
  const duplicates = core.metrics.counter('svyaz_messages_duplicates_total', 'Deliveries of what was handled before', [
    'group',
    'type',
  ])
  const dead = core.metrics.counter('svyaz_messages_dead_total', 'Events sent to the dead letters', [
    'group',
    'topic',
    'type',
  ])
  const latency = core.metrics.histogram(
    'svyaz_receive_latency_seconds',
    'From the making of an event to its handler',
    ['group'],
  )
  return {
    handled(type: string, outcome: string, count = 1) {
      handled.inc({ group, type, outcome }, count)
      if (outcome === 'duplicate') duplicates.inc({ group, type }, count)
    },
    buried: (topic: string, type: string) => dead.inc({ group, topic, type }),
    received(event: CloudEvent) {
      const ageMs = core.clock.now() - Date.parse(event.time)
      if (Number.isFinite(ageMs)) latency.observe(Math.max(0, ageMs / 1_000), { group })
    },
  }
}
