/**
 * The load, in a process of its own: what drives the system and reads its figures must not make the load late. Gets an
 * order over IPC, sends rows as they come, and ends with the last journey.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { createRandom } from '@svyaz/checker/random.ts'
import { Feed } from '@svyaz/observe/feed.ts'
import { openLoop } from '../protocols/open-loop.ts'
import type { Phase } from './profiles.ts'
import { scenarios } from './scenarios.ts'
import { type Row, type Traveller, travel } from './traveller.ts'

export interface LoadOrder {
  readonly base: string
  readonly users: readonly { readonly id: string; readonly token: string }[]
  readonly products: readonly string[]
  readonly phases: readonly Phase[]
  readonly seed: number
}

/** Rows since the last message; `lateMs`: how far behind the loop's own clock was at most. */
export interface LoadNews {
  readonly rows: readonly Row[]
  readonly over?: true
}

/** Beyond it a journey that is due isn't begun, and counts as skipped: an open loop must not grow for ever. */
const underWayMax = 2_000
const newsEveryMs = 1_000

process.once('message', (order: LoadOrder) => {
  run(order).then(
    () => process.disconnect(),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})

async function run({ base, users, products, phases, seed }: LoadOrder): Promise<void> {
  const random = createRandom(seed)
  const travellers: Traveller[] = users.map((user) => ({ ...user, feed: new Feed(base, user).keepOpen() }))
  const weights = Object.fromEntries(scenarios.map(({ name, weight }) => [name, weight]))
  const startedAt = performance.now()
  const startedNs = process.hrtime.bigint()
  const now = () => performance.now() - startedAt
  let rows: Row[] = []
  const news = (over?: true) => {
    process.send?.({ rows, ...(over && { over }) } satisfies LoadNews)
    rows = []
  }
  const timer = setInterval(news, newsEveryMs)
  let underWay = 0
  const journey = async (dueNs: bigint) => {
    const due = Number(dueNs - startedNs) / 1e6
    if (underWay >= underWayMax) {
      rows.push(['skipped', due, 0, -1, false])
      return
    }
    underWay += 1
    const own = random.fork()
    const drawn = own.weighted(weights)
    const scenario = scenarios.find(({ name }) => name === drawn)
    try {
      if (scenario) {
        const about = { base, traveller: own.pick(travellers), products, random: own, now, pause: delay }
        await travel(scenario, due, { ...about, note: (row) => rows.push(row) })
      }
    } finally {
      underWay -= 1
    }
  }
  let at = 0
  const begun = phases.map(async ({ seconds, perSecond }) => {
    const begins = at
    at += seconds * 1_000
    await delay(begins)
    await openLoop(journey, { perSecond, seconds })
  })
  await Promise.all(begun)
  clearInterval(timer)
  news(true)
  await Promise.all(travellers.map(({ feed }) => feed[Symbol.asyncDispose]()))
}
