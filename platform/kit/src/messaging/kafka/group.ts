/**
 * Membership in a consumer group, for as long as the service runs. The client joins, heartbeats and rejoins; each
 * assignment is a Generation. A watchdog rebuilds the whole consumer when the client gives up or stalls.
 */

import type { Core } from '../../core.ts'
import { backOffMs } from '../../database/back-off.ts'
import { aborted, within } from '../../process/waiting.ts'
import type { Consumption, RecordHandling } from '../transport.ts'
import { Consumer } from './client.ts'
import { breakableHandling } from './early-commit.ts'
import { Generation } from './generation.ts'
import { consumerSettings, groupTimings } from './settings.ts'

export interface GroupOptions {
  group: string
  topics: readonly string[]
  handle: RecordHandling
  /** Nobody else is ever in this group. */
  alone?: boolean
  onLag(topic: string, partition: number, lag: number): void
}

/** Consumes as a member of a group, until it is stopped; joins again when the broker was away. */
export function joinGroup(core: Core, options: GroupOptions): Consumption {
  const stopping = new AbortController()
  let drainMs: number = groupTimings.drainMs
  const log = core.log.child({ group: options.group })

  const run = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      const session = openSession({ ...core, log }, options)
      const joinedAt = core.clock.monotonic()
      try {
        await Promise.race([session.broken, aborted(stopping.signal)])
      } catch (error) {
        failures = core.clock.monotonic() - joinedAt > 30_000 ? 1 : failures + 1
        if (failures === 1) log.warn({ error: String(error) }, 'the consumer is rebuilt')
      }
      await session.close(stopping.signal.aborted ? drainMs : groupTimings.drainMs)
      if (stopping.signal.aborted) return
      await core.clock.delay(backOffMs(failures, 100, 1_000, core.random), stopping.signal).catch(() => undefined)
    }
  }
  const running = run()

  return {
    async stop(deadlineMs) {
      drainMs = deadlineMs
      stopping.abort()
      await running
    },
  }
}

interface Session {
  /** Rejects when the consumer is of no more use. */
  broken: Promise<never>
  close(drainMs: number): Promise<void>
}

function openSession(core: Core, options: GroupOptions): Session {
  const broken = Promise.withResolvers<never>()
  broken.promise.catch(() => undefined)
  const closed = new AbortController()
  let generation: Generation | undefined

  const endGeneration = async (drainMs: number) => {
    const ending = generation
    await ending?.revoke(drainMs)
    if (generation === ending) generation = undefined
  }

  const consumer = new Consumer({
    ...consumerSettings(core, options.group, options.alone),
    // The client asks for this before every JoinGroup: the one moment at which it can be held back until what runs
    // is finished and committed. The assignor needs no data.
    protocolsMetadata: async () => {
      await endGeneration(groupTimings.drainMs)
      return Buffer.alloc(0)
    },
  })
  for (const topic of options.topics) consumer.topics.track(topic)

  consumer.on('error', (error: unknown) => broken.reject(error))
  consumer.on('consumer:heartbeat:stalled', ({ lastError }) =>
    broken.reject(new Error('no heartbeat was answered', { cause: lastError })),
  )
  consumer.on('consumer:group:join', () => {
    if (closed.signal.aborted) return
    const next = new Generation(core, {
      consumer,
      assignments: consumer.assignments ?? [],
      handle: breakableHandling(core, options.handle, consumer),
      onLag: options.onLag,
      onBroken: broken.reject,
    })
    generation = next
    core.log.info({ assignments: consumer.assignments }, 'joined the group')
    next.start().catch(broken.reject)
  })
  consumer.joinGroup({}).catch(broken.reject)

  const watch = async () => {
    while (!closed.signal.aborted) {
      await core.clock.delay(groupTimings.watchEveryMs, closed.signal).catch(() => undefined)
      if (generation?.stalled()) broken.reject(new Error('no fetch was answered'))
      await generation?.measure()
    }
  }
  void watch()

  return {
    broken: broken.promise,
    async close(drainMs) {
      closed.abort()
      await endGeneration(drainMs)
      // With the broker away there is nobody to say goodbye to.
      await within(core.clock, consumer.close(true), 2_000)
    },
  }
}
