/**
 * A connection of the pool while somebody has it. Statements pass here: each becomes a span and is counted, errors are
 * sorted (errors.ts). What needs no answer at once is held and leaves with the next statement (trip.ts): the BEGIN of a
 * transaction with its first one, the last ones with its COMMIT.
 */
import type pg from 'pg'
import type { Span } from '../api.ts'
import type { Core } from '../core.ts'
import { asFailure, breaksConnection } from './errors.ts'
import { type Answer, travel } from './trip.ts'

/** What all sessions of a pool share. */
export interface SessionParts {
  readonly core: Core
  /** Of a statement's text: under which it is kept prepared. */
  readonly nameOf: (text: string) => string | undefined
  /** A statement was answered, after so long. */
  readonly took: (operation: string, seconds: number) => void
  /** Statements left in one write. */
  readonly left: () => void
  /** Called with each error that says the database is away. */
  readonly onAway: (error: unknown) => void
}

interface Waiting {
  readonly text: string
  readonly values: readonly unknown[]
  readonly answered: PromiseWithResolvers<Answer>
}

const begin = 'start transaction isolation level read committed'
const statementTextMax = 2_000

/** A service has fewer, unless its texts hold lists of every length. */
const operationsMax = 500
const operations = new Map<string, string>()

/** `select "id" from …` → `SELECT`; what it is told by name and metrics. Remembered: texts come again and again. */
const operationOf = (statement: string): string => {
  const known = operations.get(statement)
  if (known !== undefined) return known
  const word = /^\s*(\w+)/.exec(statement)?.[1]?.toUpperCase() ?? 'SQL'
  const operation = word === 'START' ? 'BEGIN' : word
  if (operations.size < operationsMax) operations.set(statement, operation)
  return operation
}

export class Session {
  readonly #client: pg.PoolClient
  readonly #parts: SessionParts
  #held: Waiting[] = []
  /** The server knows of the transaction. */
  #hasBegun = false
  #isBroken = false

  constructor(client: pg.PoolClient, parts: SessionParts) {
    this.#client = client
    this.#parts = parts
  }

  /** Runs a statement, behind those that were held. @throws what asFailure makes of the error */
  run(text: string, values: readonly unknown[] = []): Promise<Answer> {
    return this.#traced(text, () => this.#send(text, values))
  }

  /** Leaves with the next statement. It rejects with whatever went wrong in that trip up to it. */
  hold(text: string, values: readonly unknown[] = []): Promise<Answer> {
    return this.#traced(text, () => this.#hold(text, values))
  }

  /** The server hears of it with the first statement. */
  begin(): void {
    // Its error is that of the statement it leaves with.
    this.#hold(begin, []).catch(() => undefined)
  }

  /** Whether it was committed: false when an earlier error left nothing to commit. */
  async commit(): Promise<boolean> {
    if (!this.#hasBegun && this.#held.length === 1) {
      this.#drop(new Error('there was nothing to commit'))
      return true
    }
    const { command } = await this.run('commit')
    this.#hasBegun = false
    return command !== 'ROLLBACK'
  }

  /** What is still held never happens. */
  async rollback(): Promise<void> {
    this.#drop(new Error('the transaction was undone before this left'))
    if (!this.#hasBegun) return
    this.#hasBegun = false
    try {
      await this.run('rollback')
    } catch (error) {
      // Whoever comes next must not be inside of it.
      this.#isBroken = true
      throw error
    }
  }

  /** Gives the connection back, or closes one that may be broken. */
  release(): void {
    this.#client.release(this.#isBroken)
  }

  #hold(text: string, values: readonly unknown[]): Promise<Answer> {
    const answered = Promise.withResolvers<Answer>()
    this.#held.push({ text, values, answered })
    return answered.promise
  }

  #drop(reason: Error): void {
    for (const { answered } of this.#held.splice(0)) answered.reject(reason)
  }

  async #send(text: string, values: readonly unknown[]): Promise<Answer> {
    const { core, nameOf, took, left } = this.#parts
    const answered = Promise.withResolvers<Answer>()
    const statements = [...this.#held.splice(0), { text, values, answered }]
    const startedAt = core.clock.monotonic()
    if (statements[0]?.text === begin) this.#hasBegun = true
    left()
    try {
      const named = statements.map((statement) => ({ ...statement, name: nameOf(statement.text) }))
      const answers = await travel(this.#client, named)
      for (const [index, { answered }] of statements.entries()) answered.resolve(answers[index]!)
    } catch (error) {
      if (breaksConnection(error)) this.#isBroken = true
      const failure = asFailure(error)
      if (failure !== error) this.#parts.onAway(error)
      for (const { answered } of statements) answered.reject(failure)
    }
    const seconds = (core.clock.monotonic() - startedAt) / 1_000
    for (const statement of statements) took(operationOf(statement.text), seconds)
    return answered.promise
  }

  #traced(text: string, send: () => Promise<Answer>): Promise<Answer> {
    const { tracer } = this.#parts.core
    if (tracer.current() === undefined) return send()
    const operation = operationOf(text)
    const attributes = {
      'db.system': 'postgresql',
      'db.operation': operation,
      // Values travel apart from the text ($1, $2, …), so none of them gets into a trace.
      'db.statement': text.slice(0, statementTextMax),
    }
    return tracer.span(`SQL ${operation}`, { kind: 'client', attributes }, async (span: Span) => {
      const answer = await send()
      if (answer.rowCount !== null) span.set('db.rows', answer.rowCount)
      return answer
    })
  }
}
