/**
 * The loads of the two levels of throughput, which nobody offers by chance: readers by the thousand a second, and the relay
 * loop with as many messages under way as it takes. Each is looked at while it goes on, and leaves settings as they were.
 */
import type { Look } from '@svyaz/metrics'
import { ask } from '@svyaz/observe/http.ts'
import { until } from '@svyaz/observe/until.ts'
import { answerLine } from '../command-line.ts'
import { looksDuring, openLoop, pause } from '../load.ts'
import type { Outside } from '../outside.ts'
import { type Configured, withSettings } from './as-before.ts'

/** What a load is offered through, and seen by. */
type Loaded = Configured & Pick<Outside, 'ask' | 'note' | 'scrape' | 'stopping' | 'url'>

const seconds = 10
/** Connections are open and code is compiled by then. */
const warmUpMs = 3_000
const readsPerSecond = 1_300
const failedMax = 0.01
const inFlight = 1_024

/**
 * `GET /products` by the thousand a second, each sent when it is due, whatever became of earlier ones.
 * @throws Error when more than one in a hundred isn't answered with 200
 */
export const manyReads = (o: Loaded): Promise<readonly Look[]> =>
  withSettings(o, 'gateway', { addressRequestsPerSecond: 100_000 }, async () => {
    const url = `${await o.url('gateway')}/products`
    const total = readsPerSecond * (seconds + warmUpMs / 1_000)
    const tookMs: number[] = []
    const read = async () => {
      const answer = await ask('GET', url).catch(() => undefined)
      if (answer?.status === 200) tookMs.push(answer.tookMs)
    }
    const load = (ending: AbortSignal) => openLoop({ perSecond: readsPerSecond, total }, ending, read)
    const looks = await looksDuring(o, load, warmUpMs)
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
export const fullRelay = (o: Loaded): Promise<readonly Look[]> =>
  withSettings(o, 'mc1', { inFlight, intervalSeconds: 300 }, async () => {
    const base = await o.url('mc1')
    const started = await o.ask('GET', `${base}/start/`)
    if (started.status !== 200) throw new Error(`GET /start/ answered ${answerLine(started)}`)
    const load = (ending: AbortSignal) => pause(warmUpMs + seconds * 1_000, ending)
    // However it ends: by itself it would go on for minutes.
    const looks = await looksDuring(o, load, warmUpMs).finally(() => o.ask('GET', `${base}/stop/`))
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
