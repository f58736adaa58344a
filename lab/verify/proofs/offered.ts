/**
 * The loads of the two levels of throughput, which nobody offers by chance: readers by the thousand a second, and the relay
 * loop with as many messages under way as it takes. Each is looked at while it goes on, and leaves settings as they were.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Look } from '@svyaz/metrics'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { answerLine } from '../command-line.ts'
import type { Outside } from '../outside.ts'
import { untilApplied } from './services.ts'

const seconds = 10
/** Connections are open and code is compiled by then. */
const warmUpMs = 3_000
const lookEveryMs = 2_000
const readsPerSecond = 1_300
const failedMax = 0.01
const inFlight = 1_024

/** Looks at every instance while a load goes on, and once at both ends. */
async function looksDuring(o: Outside, load: Promise<unknown>): Promise<readonly Look[]> {
  let over = false
  const ended = load.finally(() => {
    over = true
  })
  await Promise.race([delay(warmUpMs), ended])
  const seen = [await o.scrape()]
  while (!over) {
    await Promise.race([delay(lookEveryMs), ended])
    seen.push(await o.scrape())
  }
  await ended
  return seen
}

/** Sets properties of an application, does the work, and takes them away again. */
async function withSettings<T>(
  o: Outside,
  application: string,
  properties: Readonly<Record<string, number>>,
  work: () => Promise<T>,
): Promise<T> {
  const { token } = await o.admin()
  // The second of a load that has just ended is over the limit that holds again.
  const put = (body: object) =>
    until(
      `${application} to take its settings`,
      async () => {
        const { status } = await o.gateway('PUT', `/admin/${application}/embedded`, { token, body })
        return status === 200
      },
      { everyMs: 500 },
    )
  await put({ properties, comment: 'svyaz verify' })
  try {
    const entries = Object.entries(properties)
    await untilApplied(o, application, (settings) => entries.every(([name, value]) => settings[name] === value))
    return await work()
  } finally {
    const none = Object.fromEntries(Object.keys(properties).map((name) => [name, null]))
    await put({ properties: none, comment: 'svyaz verify: as before' })
  }
}

/**
 * `GET /products` by the thousand a second, each sent when it is due, whatever became of earlier ones.
 * @throws Error when more than one in a hundred isn't answered with 200
 */
export const manyReads = (o: Outside): Promise<readonly Look[]> =>
  withSettings(o, 'gateway', { addressRequestsPerSecond: 100_000 }, async () => {
    const url = `${await o.url('gateway')}/products`
    const total = readsPerSecond * (seconds + warmUpMs / 1_000)
    const tookMs: number[] = []
    const startedAt = performance.now()
    const read = async (n: number) => {
      await delay(Math.max(0, (n * 1_000) / readsPerSecond - (performance.now() - startedAt)))
      const answer = await ask('GET', url).catch(() => undefined)
      if (answer?.status === 200) tookMs.push(answer.tookMs)
    }
    const looks = await looksDuring(o, Promise.all(Array.from({ length: total }, (_, n) => read(n))))
    tookMs.sort((a, b) => a - b)
    const failed = total - tookMs.length
    const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? Number.NaN
    o.note(
      `${readsPerSecond} × GET ${url} a second for ${total / readsPerSecond} s`,
      `${failed} not answered with 200, p99 ${p99.toFixed(1)} ms`,
    )
    if (failed > total * failedMax) throw new Error(`${failed} of ${total} reads were not answered with 200`)
    return looks
  })

/** A session of the relay loop with many messages under way: each is a record of a topic, handled by MC3. */
export const fullRelay = (o: Outside): Promise<readonly Look[]> =>
  withSettings(o, 'mc1', { inFlight, intervalSeconds: 300 }, async () => {
    const base = await o.url('mc1')
    const started = await o.ask('GET', `${base}/start/`)
    if (started.status !== 200) throw new Error(`GET /start/ answered ${answerLine(started)}`)
    const looks = await looksDuring(o, delay(warmUpMs + seconds * 1_000))
    await o.ask('GET', `${base}/stop/`)
    const session = `${base}/sessions/${started.body.sessionId}`
    await until(
      'the session to end',
      async () => {
        const { body } = await ask('GET', session)
        return body.status === 'finished'
      },
      { timeoutMs: 30_000, everyMs: 500 },
    )
    await o.ask('GET', session)
    return looks
  })
