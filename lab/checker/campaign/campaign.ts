/** The campaign: every kind of attacker at once against a whole system in which an ordinary user goes on as usual. */
import { setTimeout as delay } from 'node:timers/promises'
import { Databases } from '@svyaz/observe/databases.ts'
import { Person } from '@svyaz/observe/person.ts'
import { within } from '@svyaz/observe/until.ts'
import { type System, startSystem } from '@svyaz/system/testing'
import type { AboutRun } from '../about-run.ts'
import { identityOf, loopback, subjectsOf } from '../attack/subjects.ts'
import { pssMb, sampleMemory } from '../memory.ts'
import type { Random } from '../random.ts'
import { flood } from './floods.ts'
import { type Seen, UserThread } from './user-thread.ts'
import { type CampaignRecord, summarize } from './verdict.ts'

export interface CampaignOptions {
  readonly about: AboutRun
  readonly seed: number
  readonly random: Random
  readonly minutes: number
  /** Before and after the attacks, the ordinary user alone; then nobody. */
  readonly calmMs: number
  readonly restMs: number
  say(line: string): void
}

const completionMs = 120_000
/** The same attacks, before anything is measured: a process that has served nothing yet has loaded and compiled little. */
const warmUpMs = 10_000
const progressEveryMs = 30_000
const readyTimeoutMs = 150_000

/** Attacks a running system for a while, with one ordinary user beside, and gives what was seen. */
export async function campaign(options: CampaignOptions): Promise<CampaignRecord> {
  const { random, seed, minutes, say } = options
  await using system = await startSystem({ readyTimeoutMs })
  await using databases = new Databases(system.databaseUrl)
  const base = system.url('gateway')
  const victim = await Person.register(base, 'victim')
  const mallory = await Person.register(base, 'mallory')
  const stock = (await databases.stock()).toSorted((a, b) => b.available - a.available)
  const products = stock.slice(0, 20).map(({ productId }) => productId)
  const placed = await mallory.order({ items: [{ productId: products[0]!, quantity: 1 }] })
  const { email, password, token } = victim
  await using ordinary = new UserThread({ base, from: loopback(9), email, password, token, products })
  const targets = {
    subjects: subjectsOf(system),
    base,
    knownEmail: email,
    token: mallory.token,
    orderId: placed.id,
  }
  const before = identities(system)
  await flood(targets, random, AbortSignal.timeout(warmUpMs))
  await delay(options.calmMs)
  const memoryBefore = pssMb(sampleMemory(system, 0))
  say(`${subjectsOf(system).length} processes, seed ${seed}: the attacks begin`)
  using _progress = every(progressEveryMs, async () => say(told(await ordinary.seen(), system)))
  const attacks = await flood(targets, random, AbortSignal.timeout(minutes * 60_000))
  const atEnd = pssMb(sampleMemory(system, 0))
  say('the attacks are over')
  await delay(options.calmMs)
  const { asked, orders } = await ordinary.stop()
  const unfinished = await unfinishedOf(orders, databases)
  await delay(options.restMs)
  return {
    about: options.about,
    seed,
    minutes,
    attacks,
    before,
    after: identities(system),
    asked: {
      products: summarize('products', asked),
      login: summarize('login', asked),
      order: summarize('order', asked),
    },
    unfinished,
    memoryMb: {
      before: memoryBefore,
      atEnd,
      afterRest: pssMb(sampleMemory(system, 0)),
      restSeconds: options.restMs / 1_000,
    },
  }
}

const identities = (system: System): Record<string, string> =>
  Object.fromEntries(system.instances().map(({ name }) => [name, identityOf(system, name)]))

function told({ asked, orders }: Seen, system: System): string {
  const { good, refused, count, p99Ms } = summarize('products', asked)
  const restarts = system.instances().reduce((sum, instance) => sum + instance.restarts, 0)
  return `products ${good} of ${count} (${refused} refused), p99 ${p99Ms} ms; ${orders.length} orders accepted; ${restarts} restarts`
}

/** Accepted orders that don't get completed in time, each with its status. */
async function unfinishedOf(ids: readonly string[], databases: Databases): Promise<string[]> {
  let left: string[] = [...ids]
  await within(
    async () => {
      const rows = await databases.rows<{ id: string; status: string }>(
        'orders',
        'SELECT id, status FROM orders WHERE id = ANY ($1)',
        [ids],
      )
      const statuses = new Map(rows.map(({ id, status }) => [id, status]))
      left = ids.flatMap((id) => (statuses.get(id) === 'completed' ? [] : [`${id} (${statuses.get(id) ?? 'nowhere'})`]))
      return left.length === 0
    },
    completionMs,
    500,
  )
  return left
}

function every(ms: number, look: () => unknown): Disposable {
  const timer = setInterval(look, ms)
  return { [Symbol.dispose]: () => clearInterval(timer) }
}
