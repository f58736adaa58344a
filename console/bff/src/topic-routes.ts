/**
 * Topics for pages: what there is, records by place or as they come, dead letters and their way back. Records hold what
 * people said and did, so where operators have to sign in, reading them needs one too.
 */
import type { IncomingMessage } from 'node:http'
import type { Operator, ReplayPlan, TopicSummary } from '@svyaz/kit/operator'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import type { ReplayAnswer, ReplayAsked, TopicView, WriteAnswer, WriteAsked } from '../../protocol.ts'
import { causesOf } from './dead-letter-causes.ts'
import { limits } from './limits.ts'
import { LineStreams, sendJsonLines } from './line-streams.ts'
import { acted, type Call, type Parts, type Route } from './route.ts'
import { askedOf, filterOf, matcherOf, readRecords, viewOf } from './topic-records.ts'

/** Topics, their records, and dead letters. */
export const topicRoutes = (parts: Parts): readonly Route[] => {
  const { broker } = parts
  const { topicStreamsMax: max, topicStreamsPerAddressMax: perAddressMax } = limits
  const streams = new LineStreams(parts, { max, perAddressMax }, 'topics are being followed')
  return [
    {
      method: 'GET',
      path: /^\/api\/topics$/,
      access: 'page',
      handle: async ({ response }) => {
        const topics = await broker.use(async ({ inspect, writer }) =>
          (await inspect.topics()).map((topic) => topicView(topic, writer.allowed(topic.name))),
        )
        sendJson(response, 200, { topics })
      },
    },
    {
      method: 'GET',
      path: /^\/api\/topics\/([\w.-]{1,249})\/records$/,
      access: 'operator',
      handle: async ({ response, params: [topic = ''], query }) => {
        const asked = askedOf(query)
        sendJson(response, 200, await broker.use((operator) => readRecords(operator, topic, asked)))
      },
    },
    {
      method: 'POST',
      path: /^\/api\/topics\/([\w.-]{1,249})\/records$/,
      access: 'operator',
      handle: async ({ request, response, params: [topic = ''] }) => {
        const asked = writeOf(await readJsonObject(request, limits.recordBodyBytesMax))
        sendJson(response, 200, await write(parts, request, topic, asked))
      },
    },
    {
      method: 'GET',
      path: /^\/api\/topics\/([\w.-]{1,249})\/live$/,
      access: 'operator',
      handle: (call) => follow(parts, streams, call),
    },
    {
      method: 'GET',
      path: /^\/api\/dead-letters$/,
      access: 'operator',
      handle: async ({ response }) => {
        sendJson(response, 200, { causes: await broker.use(allCauses) })
      },
    },
    {
      method: 'POST',
      path: /^\/api\/dead-letters\/replay$/,
      access: 'operator',
      handle: async ({ request, response }) => {
        const asked = replayOf(await readJsonObject(request, limits.bodyBytesMax))
        sendJson(response, 200, await replay(parts, request, asked))
      },
    },
  ]
}

const topicView = ({ name, partitions, bytes, groups }: TopicSummary, written: TopicView['written']): TopicView => ({
  name,
  records: partitions.reduce((sum, { beginning, end }) => sum + Number(end - beginning), 0),
  ...(bytes === undefined ? {} : { bytes }),
  partitions: partitions.map(({ partition, beginning, end }) => ({
    partition,
    beginning: Number(beginning),
    end: Number(end),
  })),
  groups: groups.map(({ group, state, members, lag }) => ({ group, state, members, lag: Number(lag) })),
  ...(written === undefined ? {} : { written }),
})

/** A line of JSON for each record that comes, and an empty one from time to time, for as long as the page reads. */
async function follow(parts: Parts, streams: LineStreams, call: Call): Promise<void> {
  const {
    params: [topic = ''],
    query,
  } = call
  const matches = await matcherOf(filterOf(query))
  await streams.during(call, (signal) =>
    parts.broker.alone(async ({ reader }) => {
      const spans = await reader.spans(topic)
      if (spans === undefined) throw new Problem(404, 'not_found', 'there is no such topic')
      const ends = new Map(spans.map(({ partition, end }) => [partition, end]))
      const lines = async function* () {
        for await (const one of reader.follow(topic, ends, signal)) if (matches(one)) yield viewOf(one)
      }
      await sendJsonLines(call.response, lines())
    }),
  )
}

/** @throws Problem 400 */
function writeOf(body: Readonly<Record<string, unknown>>): WriteAsked {
  const { type, key, value } = body
  if (typeof type !== 'string' || typeof key !== 'string' || typeof value !== 'string' || type.length > 200)
    throw new Problem(400, 'invalid_request', 'say type, key, and the value as text')
  return { type, key, value }
}

/** @throws Problem 422 invalid_record that says what breaks the contract */
function write(parts: Parts, request: IncomingMessage, topic: string, asked: WriteAsked): Promise<WriteAnswer> {
  const entry = { action: 'produce', target: topic, detail: `${asked.type} ${asked.key}`.slice(0, 200) }
  return acted(parts, request, entry, async () => {
    const { WriteRefused } = await import('@svyaz/kit/operator')
    try {
      const { id, place } = await parts.broker.use(({ writer }) => writer.write({ topic, ...asked }))
      return { id, ...(place === undefined ? {} : { partition: place.partition, offset: Number(place.offset) }) }
    } catch (error) {
      throw error instanceof WriteRefused ? new Problem(422, 'invalid_record', error.message) : error
    }
  })
}

async function allCauses({ inspect, deadLetters }: Operator) {
  const names = (await inspect.topicNames()).filter((name) => name.endsWith('.dlq'))
  const letters = []
  for (const name of names) letters.push(...(await deadLetters.list(name.slice(0, -'.dlq'.length))))
  return causesOf(letters)
}

/** @throws Problem 400 */
function replayOf(body: Readonly<Record<string, unknown>>): ReplayAsked {
  const { topic, consumer, ids, dryRun } = body
  const isName = (value: unknown): value is string => typeof value === 'string' && /^[\w.-]{1,249}$/.test(value)
  const areIds =
    Array.isArray(ids) &&
    ids.length > 0 &&
    ids.length <= limits.replayedMax &&
    ids.every((id) => typeof id === 'string' && id.length <= 200)
  if (!isName(topic) || !isName(consumer) || !areIds || typeof dryRun !== 'boolean')
    throw new Problem(400, 'invalid_request', `say topic, consumer, up to ${limits.replayedMax} ids, and dryRun`)
  return { topic, consumer, ids: ids as string[], dryRun }
}

async function replay(parts: Parts, request: IncomingMessage, asked: ReplayAsked): Promise<ReplayAnswer> {
  const { dryRun, topic, consumer, ids } = asked
  if (dryRun) {
    const plan = await parts.broker.use(({ deadLetters }) => deadLetters.plan({ topic, consumer, ids }))
    const sent = plan.replayed.map(({ id }) => ({ id: id ?? '', outcome: 'would be sent' as const }))
    return { rows: [...sent, ...refusedRows(plan)] }
  }
  const entry = { action: 'replay', target: topic, detail: `${consumer}: ${ids.length}` }
  return acted(parts, request, entry, () => parts.broker.use((operator) => sendBack(operator, asked)))
}

async function sendBack({ deadLetters }: Operator, { topic, consumer, ids }: ReplayAsked): Promise<ReplayAnswer> {
  const plan = await deadLetters.plan({ topic, consumer, ids })
  const sent = await deadLetters.replay(plan.replayed)
  const outcomes = await deadLetters.outcomes(sent, AbortSignal.timeout(limits.replayWaitMs))
  const rows = outcomes.map((one) => ({
    id: one.letter.id ?? '',
    outcome: one.outcome,
    ...('error' in one ? { reason: one.error } : {}),
  }))
  return { rows: [...rows, ...refusedRows(plan)] }
}

const refusedRows = ({ refused }: ReplayPlan) =>
  refused.map(({ letter, reason }) => ({ id: letter.id ?? '', outcome: 'refused' as const, reason }))
