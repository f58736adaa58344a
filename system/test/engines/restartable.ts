/**
 * A server that a test ends and starts again, one thing after the other: an end waits for a start that is under way, so
 * that nothing of the server is left behind a test, in whatever moment that ends.
 */

import type { Engine } from './engine.ts'

export interface Life<Run> {
  /** For messages. */
  readonly name: string
  /** Rejects when it didn't come up; nothing runs then. */
  readonly start: () => Promise<Run>
  readonly end: (run: Run, signal: NodeJS.Signals) => Promise<void>
}

export class Restartable<Run> {
  readonly #life: Life<Run>
  #run: Run | undefined
  #turn: Promise<unknown> = Promise.resolve()
  #isOver = false

  constructor(life: Life<Run>) {
    this.#life = life
  }

  /** Undefined while there is none, or one that is only just coming or going. */
  get run(): Run | undefined {
    return this.#run
  }

  /** @throws Error while one runs, after the end for good, and when it doesn't come up */
  start(): Promise<void> {
    return this.#inTurn(async () => {
      if (this.#isOver) throw new Error(`${this.#life.name} was ended for good`)
      if (this.#run !== undefined) throw new Error(`${this.#life.name} runs already`)
      this.#run = await this.#life.start()
    })
  }

  /** Ends what runs, once what was begun before is over; nothing where none runs. */
  end(signal: NodeJS.Signals): Promise<void> {
    return this.#inTurn(async () => {
      const run = this.#run
      this.#run = undefined
      if (run !== undefined) await this.#life.end(run, signal)
    })
  }

  /** The same, and no other is started. */
  endForGood(signal: NodeJS.Signals): Promise<void> {
    this.#isOver = true
    return this.end(signal)
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act)
    this.#turn = done.catch(() => undefined)
    return done
  }
}

/** The end of an engine: as a power cut would, or in order; what is temporary of it is removed. */
export async function endEngine(engine: Engine, signal: NodeJS.Signals): Promise<void> {
  if (signal === 'SIGKILL') await engine.kill()
  await engine[Symbol.asyncDispose]()
}
