/**
 * The ordinary user in a thread of their own: in the attackers' thread their requests would wait for the attackers' work,
 * and that would be taken for the system's slowness.
 */
import { Worker } from 'node:worker_threads'
import type { Ordinary } from './ordinary-user.ts'
import type { Asked } from './verdict.ts'

export interface Seen {
  readonly asked: readonly Asked[]
  /** Ids of accepted orders. */
  readonly orders: readonly string[]
}

export class UserThread implements AsyncDisposable {
  readonly #worker: Worker
  readonly #failed = Promise.withResolvers<never>()

  constructor(about: Ordinary) {
    this.#worker = new Worker(new URL('user-thread-main.ts', import.meta.url), { workerData: about })
    this.#worker.once('error', (error) => this.#failed.reject(error))
    this.#failed.promise.catch(() => undefined)
  }

  /** What happened until now. */
  seen(): Promise<Seen> {
    return this.#ask('seen')
  }

  /** Asks nothing more; resolves when every answer is there. */
  stop(): Promise<Seen> {
    return this.#ask('stop')
  }

  #ask(what: 'seen' | 'stop'): Promise<Seen> {
    const answer = new Promise<Seen>((resolve) => this.#worker.once('message', resolve))
    this.#worker.postMessage(what)
    return Promise.race([answer, this.#failed.promise])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}
