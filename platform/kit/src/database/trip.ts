/**
 * One trip to PostgreSQL: statements that need no answer in between leave in one write and are answered together
 * (docs/decisions/0066). One Sync ends them, so after an error the server skips what is behind it
 * (https://www.postgresql.org/docs/18/protocol-flow.html#PROTOCOL-FLOW-PIPELINING).
 */
import type pg from 'pg'
import { parameterOf } from './parameters.ts'

/** @property name under which the server keeps it prepared; undefined: it is parsed this once */
export interface Statement {
  readonly text: string
  readonly values: readonly unknown[]
  readonly name: string | undefined
}

export interface Answer {
  /** `INSERT`, `SELECT`, `COMMIT`, …: the word with which the server completes it. */
  readonly command: string
  /** Rows that it gave or changed; null for what has none. */
  readonly rowCount: number | null
  readonly rows: Record<string, unknown>[]
}

/** What pg's connection has for whoever writes to it: the messages of the extended query protocol. */
interface Wire {
  readonly stream: { cork(): void; uncork(): void }
  /** Texts by name, kept by pg as it hears that they were parsed. */
  readonly parsedStatements: Record<string, string>
  parse(statement: { name: string; text: string }): void
  bind(statement: {
    statement: string
    values: readonly unknown[]
    valueMapper: (value: unknown) => string | Buffer | null
  }): void
  describe(portal: { type: 'P' }): void
  execute(portal: object): void
  sync(): void
}

interface Field {
  readonly name: string
  readonly dataTypeID: number
}

/** How the rows of a statement are read; null: it has none. */
type Columns = readonly { readonly name: string; readonly read: (text: string) => unknown }[] | null

/** Those of prepared statements, by connection: a prepared statement never changes its columns, so they are asked once. */
const columnsKept = new WeakMap<Wire, Map<string, Columns>>()

const columnsOf = (wire: Wire): Map<string, Columns> => {
  const known = columnsKept.get(wire) ?? new Map<string, Columns>()
  columnsKept.set(wire, known)
  return known
}

type TypeParsers = Pick<pg.ClientBase, 'getTypeParser'>

/**
 * What pg takes in place of a query of its own: it calls `submit`, then a handler for each message, and wraps `callback`
 * in its time-out.
 */
export class Trip {
  /** Called once, when all is answered or something failed. */
  callback: (error: unknown) => void
  readonly #statements: readonly Statement[]
  readonly #parsers: TypeParsers
  readonly #answers: Answer[] = []
  /** Whether its columns are told with its answer. */
  readonly #described: boolean[] = []
  #wire: Wire | undefined
  #columns: Columns | undefined
  #rows: Record<string, unknown>[] = []

  constructor(statements: readonly Statement[], parsers: TypeParsers, callback: (error: unknown) => void) {
    this.#statements = statements
    this.#parsers = parsers
    this.callback = callback
  }

  /** Of those that were completed, in their order: all of them, unless there was an error. */
  get answers(): readonly Answer[] {
    return this.#answers
  }

  /** The statement that is being answered: pg notes its name as prepared when the server says so. */
  get name(): string | undefined {
    return this.#current?.name
  }

  get text(): string | undefined {
    return this.#current?.text
  }

  get #current(): Statement | undefined {
    return this.#statements[this.#answers.length]
  }

  submit(wire: Wire): Error | null {
    this.#wire = wire
    const known = columnsOf(wire)
    const parsing = new Set<string>()
    wire.stream.cork()
    try {
      for (const { text, values, name = '' } of this.#statements) {
        const isPrepared = name !== '' && (wire.parsedStatements[name] === text || parsing.has(name))
        if (!isPrepared) wire.parse({ name, text })
        if (name !== '') parsing.add(name)
        wire.bind({ statement: name, values, valueMapper: parameterOf })
        const isDescribed = !isPrepared || !known.has(name)
        this.#described.push(isDescribed)
        if (isDescribed) wire.describe({ type: 'P' })
        wire.execute({})
      }
      wire.sync()
    } finally {
      wire.stream.uncork()
    }
    return null
  }

  handleRowDescription({ fields }: { fields: readonly Field[] }): void {
    this.#columns = fields.map(({ name, dataTypeID }) => ({
      name,
      read: this.#parsers.getTypeParser(dataTypeID, 'text') as (text: string) => unknown,
    }))
  }

  handleDataRow({ fields }: { fields: readonly (string | null)[] }): void {
    this.#columns ??= this.#known()
    const row: Record<string, unknown> = {}
    for (let index = 0; index < fields.length; index++) {
      const column = this.#columns?.[index]
      const text = fields[index]
      if (column) row[column.name] = text === null || text === undefined ? null : column.read(text)
    }
    this.#rows.push(row)
  }

  handleCommandComplete({ text }: { text: string }): void {
    const { name } = this.#current ?? {}
    if (name !== undefined && this.#wire && this.#described[this.#answers.length])
      columnsOf(this.#wire).set(name, this.#columns ?? null)
    const [command = ''] = text.split(' ', 1)
    const count = /\d+$/.exec(text)?.[0]
    this.#answers.push({ command, rowCount: count === undefined ? null : Number(count), rows: this.#rows })
    this.#columns = undefined
    this.#rows = []
  }

  handleEmptyQuery(): void {
    this.handleCommandComplete({ text: '' })
  }

  handleReadyForQuery(): void {
    this.callback(null)
  }

  /** An error of the server's, or of the connection. */
  handleError(error: unknown): void {
    this.callback(error)
  }

  #known(): Columns {
    return (this.#wire && columnsOf(this.#wire).get(this.#current?.name ?? '')) ?? null
  }
}

/**
 * Makes one trip.
 *
 * @returns the answers in the order of the statements
 * @throws what the server or the socket says; with `completed`: how many statements before that were answered
 */
export function travel(client: pg.PoolClient, statements: readonly Statement[]): Promise<readonly Answer[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly Answer[]>()
  const trip = new Trip(statements, client, (error) => (error === null ? resolve(trip.answers) : reject(error)))
  client.query(trip as unknown as pg.Submittable)
  return promise
}
