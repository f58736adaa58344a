/** What looks on for the whole run: a stream of some of the users, and the stock once a second. */
import { setTimeout as delay } from 'node:timers/promises'
import type { Databases } from '@svyaz/observe/databases.ts'
import { Feed } from '@svyaz/observe/feed.ts'
import type { Person } from '@svyaz/observe/person.ts'
import type { Evidence } from './evidence.ts'

/** Users whose stream is watched. */
export const watchedUsers = 10

/** A WebSocket of some of the users, for the whole run. */
export class Feeds implements AsyncDisposable {
  readonly #taps: readonly Feed<Person>[]

  constructor(base: string, users: readonly Person[]) {
    this.#taps = users.slice(0, watchedUsers).map((user) => new Feed(base, user).keepOpen())
  }

  cutOne(chance: number): void {
    this.#taps[Math.floor(chance * this.#taps.length)]?.cut()
  }

  async behind(databases: Databases): Promise<string[]> {
    const last = await databases.lastCursors()
    return this.#taps.flatMap((tap) => {
      const due = last.get(tap.user.id) ?? 0
      return tap.last < due ? [`the WebSocket of ${tap.user.name} has frame ${tap.last} of ${due}`] : []
    })
  }

  seen() {
    return this.#taps.map((tap) => ({ userId: tap.user.id, after: 0, cursors: tap.frames.map(({ cursor }) => cursor) }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#taps.map((tap) => tap[Symbol.asyncDispose]()))
  }
}

/** Takes the stock once a second; a moment at which PostgreSQL is away is left out. */
export class Sampler {
  readonly stock: Evidence['stockDuringRun'][number][] = []
  readonly #stopping = new AbortController()
  readonly #sampling: Promise<void>

  constructor(databases: Databases) {
    this.#sampling = (async () => {
      while (!this.#stopping.signal.aborted) {
        const stock = await databases.stock().catch(() => undefined)
        if (stock) this.stock.push(stock)
        await delay(1_000, undefined, { signal: this.#stopping.signal }).catch(() => undefined)
      }
    })()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#sampling
  }
}
