/**
 * What an instance does between two rebalances: fetch its partitions, hand the records to their lanes, commit the
 * finished prefix. It ends with `revoke`, and the next one starts from the committed positions: nothing that was read
 * is carried over, so a partition that came back cannot skip what its last owner left undone.
 */

import type { Core } from '../../core.ts'
import { backOffMs } from '../../database/back-off.ts'
import { within } from '../../process/waiting.ts'
import type { RecordHandling } from '../transport.ts'
import { ConnectionPool, type Consumer, findErrorBy, type GroupAssignment, ListOffsetTimestamps } from './client.ts'
import { Lane } from './lane.ts'
import { clientSettings, fetchSettings, groupTimings, startPosition } from './settings.ts'
import { Turns } from './turns.ts'

export interface GenerationOptions {
  consumer: Consumer
  assignments: readonly GroupAssignment[]
  handle: RecordHandling
  onLag(topic: string, partition: number, lag: number): void
  /** It cannot go on: the consumer is to be rebuilt. */
  onBroken(error: unknown): void
}

export class Generation {
  readonly #core: Core
  readonly #options: GenerationOptions
  readonly #ending = new AbortController()
  readonly #lanes = new Map<string, Lane>()
  /** Where the records of several partitions are handled together. */
  readonly #turns: Turns | undefined
  /** Fetches have connections of their own: a parked fetch must not hold up a heartbeat. */
  readonly #connections: ConnectionPool
  #topicNames = new Map<string, string>()
  #topicIds = new Map<string, string>()
  readonly #pumping = new Set<number>()
  #roomMade = Promise.withResolvers<void>()
  #committing: Promise<void> | undefined
  #revoked: Promise<void> | undefined
  /** Monotonic ms of the last answer to a fetch. */
  #answeredAt: number

  constructor(core: Core, options: GenerationOptions) {
    this.#core = core
    this.#options = options
    this.#connections = new ConnectionPool(core.environment.instance, clientSettings(core))
    this.#answeredAt = core.clock.monotonic()
    const { gathered, recordsMax } = options.handle
    this.#turns =
      gathered &&
      new Turns({
        recordsMax,
        gathered,
        signal: this.#ending.signal,
        lanes: () => this.#lanes.values(),
        onBroken: options.onBroken,
      })
  }

  /** Looks up where to begin and starts fetching; returns when the first fetches are under way. */
  async start(): Promise<void> {
    const startedAt = this.#core.clock.monotonic()
    for (let attempt = 1; !this.#ended; attempt++) {
      try {
        await this.#openLanes()
        return this.#pumpAll(await this.#leaders(attempt > 1))
      } catch (error) {
        if (this.#ended) return
        // A cluster needs ten seconds and more to give a dead node's partitions to others; a new consumer would not find them sooner.
        if (this.#core.clock.monotonic() - startedAt > groupTimings.stallMs) throw error
        await this.#pause(attempt)
      }
    }
  }

  get #ended(): boolean {
    return this.#ending.signal.aborted
  }

  /** Whether no fetch was answered for too long. */
  stalled(): boolean {
    if (this.#turns?.busy || this.#lanes.size === 0 || ![...this.#lanes.values()].some((lane) => lane.hasRoom))
      return false
    return this.#core.clock.monotonic() - this.#answeredAt > groupTimings.stallMs
  }

  /**
   * Takes nothing further, ends waits, lets running handlers finish until the deadline and commits what is done. What
   * still runs then is left to itself: its effect counts through the inbox, its offset is not committed.
   */
  revoke(deadlineMs: number): Promise<void> {
    this.#revoked ??= this.#revoke(deadlineMs)
    return this.#revoked
  }

  async #revoke(deadlineMs: number): Promise<void> {
    this.#ending.abort()
    this.#roomMade.resolve()
    const { clock } = this.#core
    const idle = Promise.all([...this.#lanes.values()].map((lane) => lane.idle()))
    await within(clock, idle, deadlineMs)
    // A commit may itself be what waits for the group to rejoin, so it is not waited for without limit.
    await within(clock, this.#commit(), 1_000)
    for (const lane of this.#lanes.values()) this.#options.onLag(lane.topic, lane.partition, 0)
    await within(clock, this.#connections.close(), 1_000)
  }

  /** Asks for the ends of the partitions that are not fetched now, so that their lag goes on being told. */
  async measure(): Promise<void> {
    const full = [...this.#lanes.values()].filter((lane) => !lane.hasRoom)
    if (full.length === 0 || this.#ended) return
    const topics = [...new Set(full.map((lane) => lane.topic))]
    const ends = await this.#options.consumer
      .listOffsets({ topics, timestamp: ListOffsetTimestamps.LATEST })
      .catch(() => undefined)
    for (const lane of full) {
      lane.highWatermark = ends?.get(lane.topic)?.[lane.partition] ?? lane.highWatermark
      this.#tellLag(lane)
    }
  }

  async #openLanes(): Promise<void> {
    const { consumer, assignments, handle } = this.#options
    const owned = assignments.filter((assignment) => assignment.partitions.length > 0)
    if (owned.length === 0) return
    const topics = owned.map((assignment) => ({ topic: assignment.topic, partitions: [...assignment.partitions] }))
    const committed = await consumer.listCommittedOffsets({ topics })
    const beginnings = await consumer.listOffsets({
      topics: topics.map((row) => row.topic),
      partitions: Object.fromEntries(topics.map((row) => [row.topic, row.partitions])),
      timestamp: ListOffsetTimestamps.EARLIEST,
    })
    if (this.#ended) return
    for (const { topic, partitions } of topics) {
      for (const partition of partitions) {
        const beginning = beginnings.get(topic)?.[partition]
        if (beginning === undefined) throw new Error(`${topic}/${partition} has no beginning`)
        this.#lanes.set(
          `${topic}/${partition}`,
          new Lane({
            topic,
            partition,
            position: startPosition(committed.get(topic)?.[partition], beginning),
            handle,
            signal: this.#ending.signal,
            onWaiting: this.#turns && (() => this.#turns?.wake()),
            onFinished: () => this.#finished(),
            onBroken: this.#options.onBroken,
          }),
        )
      }
    }
  }

  /** One fetch is under way per leader; with a single broker that is one for all partitions. */
  #pumpAll(leaders: ReadonlyMap<Lane, number>): void {
    if (this.#ended) return
    for (const node of leaders.values()) {
      if (this.#pumping.has(node)) continue
      this.#pumping.add(node)
      void this.#pump(node)
        .catch((error) => this.#options.onBroken(error))
        .finally(() => this.#pumping.delete(node))
    }
  }

  /** @param fresh asks the cluster: what is remembered may name a leader that has died, and a dead one tells nobody. */
  async #leaders(fresh: boolean): Promise<Map<Lane, number>> {
    const { consumer } = this.#options
    // All that it subscribed to, as the client itself asks for: it can't go on with an answer about some of them.
    const metadata = await consumer.metadata({ topics: [...consumer.topics.current], forceUpdate: fresh })
    this.#topicNames = new Map([...metadata.topics].map(([name, topic]) => [topic.id, name]))
    this.#topicIds = new Map([...metadata.topics].map(([name, topic]) => [name, topic.id]))
    const leaders = new Map<Lane, number>()
    for (const lane of this.#lanes.values()) {
      const leader = metadata.topics.get(lane.topic)?.partitions[lane.partition]?.leader
      if (leader !== undefined) leaders.set(lane, leader)
    }
    return leaders
  }

  async #pump(node: number): Promise<void> {
    for (let failures = 0; !this.#ended; ) {
      try {
        const leaders = await this.#leaders(failures > 0)
        // While a turn is under way records gather at the broker, where they cost nothing; then all of them come at once.
        if (this.#turns?.busy) await this.#turnOver()
        // Partitions may have moved to a leader that nobody reads from yet, or away from this one.
        this.#pumpAll(leaders)
        const mine = [...leaders].filter(([, leader]) => leader === node).map(([lane]) => lane)
        if (mine.length === 0) return
        const hungry = mine.filter((lane) => lane.hasRoom)
        if (hungry.length === 0) await this.#roomMade.promise
        else await this.#fetch(node, hungry, hungry.length < mine.length)
        failures = 0
      } catch (error) {
        if (this.#ended) return
        failures += 1
        if (failures === 1) this.#core.log.warn({ error: String(error) }, 'cannot fetch for now')
        await this.#recover(error)
        await this.#pause(failures)
      }
    }
  }

  async #turnOver(): Promise<void> {
    await this.#turns?.over()
    this.#answeredAt = this.#core.clock.monotonic()
  }

  async #fetch(node: number, lanes: readonly Lane[], busy: boolean): Promise<void> {
    const byTopic = Map.groupBy(lanes, (lane) => lane.topic)
    const response = await this.#options.consumer.fetch({
      node,
      connectionPool: this.#connections,
      minBytes: fetchSettings.minBytes,
      maxBytes: fetchSettings.maxBytes,
      maxWaitTime: busy ? fetchSettings.maxWaitWhileBusyMs : fetchSettings.maxWaitMs,
      topics: [...byTopic].map(([topic, owned]) => ({
        topicId: this.#topicIds.get(topic) ?? topic,
        partitions: owned.map((lane) => ({
          partition: lane.partition,
          fetchOffset: lane.position,
          partitionMaxBytes: fetchSettings.maxBytesPerPartition,
          currentLeaderEpoch: -1,
          lastFetchedEpoch: -1,
        })),
      })),
    })
    this.#answeredAt = this.#core.clock.monotonic()
    if (this.#ended) return
    for (const { topicId, partitions } of response.responses) {
      const topic = this.#topicNames.get(topicId)
      for (const answer of partitions) {
        const lane = this.#lanes.get(`${topic}/${answer.partitionIndex}`)
        // A fetch session may answer for a partition that was not asked for this time.
        if (!lane || !lanes.includes(lane)) continue
        lane.highWatermark = answer.highWatermark
        lane.take(answer.records ?? [])
        this.#tellLag(lane)
      }
    }
  }

  async #recover(error: unknown): Promise<void> {
    const { consumer } = this.#options
    consumer.clearMetadata()
    if (!findErrorBy(error as Error, 'apiId', 'OFFSET_OUT_OF_RANGE')) return
    const lanes = [...this.#lanes.values()]
    const topics = [...new Set(lanes.map((lane) => lane.topic))]
    const beginnings = await consumer
      .listOffsets({ topics, timestamp: ListOffsetTimestamps.EARLIEST })
      .catch(() => undefined)
    const ends = await consumer.listOffsets({ topics, timestamp: ListOffsetTimestamps.LATEST }).catch(() => undefined)
    for (const lane of lanes) {
      const beginning = beginnings?.get(lane.topic)?.[lane.partition]
      const end = ends?.get(lane.topic)?.[lane.partition]
      if (beginning === undefined || end === undefined) continue
      if (lane.position >= beginning && lane.position <= end) continue
      this.#core.log.error(
        { topic: lane.topic, partition: lane.partition, position: String(lane.position), beginning: String(beginning) },
        'the position is outside of the partition; starting from its beginning',
      )
      lane.restartAt(beginning)
    }
  }

  #pause(attempt: number): Promise<void> {
    return this.#core.clock
      .delay(backOffMs(attempt, 50, 1_000, this.#core.random), this.#ending.signal)
      .catch(() => undefined)
  }

  #finished(): void {
    this.#roomMade.resolve()
    this.#roomMade = Promise.withResolvers()
    if (!this.#ended) this.#committing ??= this.#commitSoon()
  }

  /** Commits now and then while there is something to commit; a failure is tried again for as long as this lives. */
  async #commitSoon(): Promise<void> {
    for (let failures = 0; !this.#ended; ) {
      await this.#core.clock.delay(groupTimings.commitEveryMs, this.#ending.signal).catch(() => undefined)
      if (this.#ended) break
      try {
        await this.#commit()
        failures = 0
      } catch (error) {
        failures += 1
        if (failures === 1) this.#core.log.warn({ error: String(error) }, 'cannot commit for now')
        await this.#pause(failures)
        continue
      }
      if (![...this.#lanes.values()].some((lane) => lane.uncommitted !== undefined)) break
    }
    this.#committing = undefined
  }

  async #commit(): Promise<void> {
    const due = [...this.#lanes.values()].flatMap((lane) => {
      const offset = lane.uncommitted
      return offset === undefined ? [] : [{ lane, offset }]
    })
    if (due.length === 0) return
    await this.#options.consumer.commit({
      offsets: due.map(({ lane, offset }) => ({
        topic: lane.topic,
        partition: lane.partition,
        offset,
        leaderEpoch: lane.leaderEpoch,
      })),
    })
    for (const { lane, offset } of due) {
      lane.wasCommitted(offset)
      this.#tellLag(lane)
    }
  }

  #tellLag(lane: Lane): void {
    this.#options.onLag(lane.topic, lane.partition, Number(lane.lag))
  }
}
