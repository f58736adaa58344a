/**
 * What the registry knows, as values, and the draft through which a step changes it.
 * Everything that must survive a restart lives in tables of rows; the journal stores exactly those rows.
 */

export type CheckStatus = 'passing' | 'warning' | 'critical'

export interface TaggedAddress {
  readonly Address: string
  readonly Port: number
}

/** What a registration says about an instance. */
export interface ServiceDefinition {
  readonly id: string
  readonly name: string
  readonly tags: readonly string[]
  readonly address: string
  readonly port: number
  readonly socketPath: string
  readonly meta: Readonly<Record<string, string>>
  readonly taggedAddresses: Readonly<Record<string, TaggedAddress>>
  readonly weights: { readonly passing: number; readonly warning: number }
  readonly enableTagOverride: boolean
}

/** Row versions, as Consul counts them: the index of the change that made the row and of the last that altered it. */
export interface Versioned {
  readonly createIndex: number
  readonly modifyIndex: number
}

export interface ServiceRow extends ServiceDefinition, Versioned {}

/** How a check comes to its verdict. */
export type Probe =
  | { readonly kind: 'ttl'; readonly ttlMs: number }
  | {
      readonly kind: 'http'
      readonly url: string
      readonly method: string
      readonly header: Readonly<Record<string, readonly string[]>>
      readonly body: string
      readonly tlsSkipVerify: boolean
      readonly disableRedirects: boolean
      readonly intervalMs: number
      readonly timeoutMs: number
    }
  | { readonly kind: 'tcp'; readonly address: string; readonly intervalMs: number; readonly timeoutMs: number }
  | { readonly kind: 'maintenance' }

export interface CheckDefinition {
  readonly checkId: string
  readonly name: string
  readonly notes: string
  /** Empty for a check of the node itself. */
  readonly serviceId: string
  readonly initialStatus: CheckStatus
  readonly probe: Probe
  readonly deregisterAfterMs: number | null
  readonly successBeforePassing: number
  readonly failuresBeforeWarning: number
  readonly failuresBeforeCritical: number
}

export interface CheckRow extends CheckDefinition, Versioned {
  readonly status: CheckStatus
  readonly output: string
  readonly serviceName: string
  readonly serviceTags: readonly string[]
}

export interface KeyRow extends Versioned {
  /** base64 */
  readonly value: string
  readonly flags: number
}

/** Identity of the one node; fixed for the life of the data directory, save name and address. */
export interface NodeFacts {
  readonly id: string
  readonly name: string
  readonly address: string
  readonly datacenter: string
}

/** What is known only while the process lives: it starts afresh after a restart. Times are monotonic milliseconds. */
export interface Liveness {
  readonly expiresAtMs: number | null
  readonly criticalSinceMs: number | null
  readonly successes: number
  readonly failures: number
}

interface Tables {
  readonly services: ReadonlyMap<string, ServiceRow>
  readonly checks: ReadonlyMap<string, CheckRow>
  readonly keys: ReadonlyMap<string, KeyRow>
  /** Deleted key → index of its deletion, so that watchers of a prefix see it. */
  readonly tombstones: ReadonlyMap<string, number>
  /** Name of something that can be watched → index of its last change. Names are in `indexes.ts`. */
  readonly marks: ReadonlyMap<string, number>
}

export type TableName = keyof Tables
type RowOf<T extends TableName> = Tables[T] extends ReadonlyMap<string, infer Row> ? Row : never

export interface State extends Tables {
  /** Counts changes; only ever grows, restarts included. */
  readonly index: number
  readonly node: NodeFacts
  readonly live: ReadonlyMap<string, Liveness>
}

/** One stored change: table, key, new row or null when the row is gone. */
export type Row = readonly [table: TableName, key: string, row: unknown]

export const tableNames = ['services', 'checks', 'keys', 'tombstones', 'marks'] as const satisfies readonly TableName[]

/** The state of a data directory that was never used. */
export function emptyState(node: NodeFacts): State {
  return {
    index: 1,
    node,
    services: new Map(),
    checks: new Map(),
    keys: new Map(),
    tombstones: new Map(),
    marks: new Map([['nodes', 1]]),
    live: new Map(),
  }
}

/** The same state with stored rows laid over it: how a journal entry is replayed. */
export function withRows(state: State, index: number, rows: readonly Row[]): State {
  const draft = new Draft(state)
  for (const [table, key, row] of rows) draft.write(table, key, row as never)
  return { ...draft.finish(), index }
}

const noLiveness: Liveness = { expiresAtMs: null, criticalSinceMs: null, successes: 0, failures: 0 }

/**
 * A change in the making: reads see what was written, tables are copied on their first write, the base stays as it was.
 * All rows of one draft carry one index, that of the base plus one.
 */
export class Draft {
  readonly rows: Row[] = []
  readonly index: number
  readonly #base: State
  readonly #tables: { -readonly [T in TableName]: Map<string, RowOf<T>> | undefined } = {
    services: undefined,
    checks: undefined,
    keys: undefined,
    tombstones: undefined,
    marks: undefined,
  }
  #live: Map<string, Liveness> | undefined

  constructor(base: State) {
    this.#base = base
    this.index = base.index + 1
  }

  table<T extends TableName>(name: T): ReadonlyMap<string, RowOf<T>> {
    return (this.#tables[name] ?? this.#base[name]) as ReadonlyMap<string, RowOf<T>>
  }

  get services(): ReadonlyMap<string, ServiceRow> {
    return this.table('services')
  }

  get checks(): ReadonlyMap<string, CheckRow> {
    return this.table('checks')
  }

  /** Sets a row, or removes it when `row` is null. */
  write<T extends TableName>(name: T, key: string, row: RowOf<T> | null): void {
    const writable = this.#writable(name)
    if (row === null) writable.delete(key)
    else writable.set(key, row)
    this.rows.push([name, key, row])
  }

  /** Sets a row that need not survive a restart and that no watcher waits for. */
  writeUnstored<T extends TableName>(name: T, key: string, row: RowOf<T>): void {
    this.#writable(name).set(key, row)
  }

  /** Records that what `name` stands for changed in this step. */
  mark(name: string): void {
    if (this.table('marks').get(name) !== this.index) this.write('marks', name, this.index)
  }

  liveness(checkId: string): Liveness {
    return (this.#live ?? this.#base.live).get(checkId) ?? noLiveness
  }

  setLiveness(checkId: string, change: Partial<Liveness> | null): void {
    this.#live ??= new Map(this.#base.live)
    if (change === null) this.#live.delete(checkId)
    else this.#live.set(checkId, { ...this.liveness(checkId), ...change })
  }

  finish(): State {
    return {
      index: this.rows.length > 0 ? this.index : this.#base.index,
      node: this.#base.node,
      services: this.services,
      checks: this.checks,
      keys: this.table('keys'),
      tombstones: this.table('tombstones'),
      marks: this.table('marks'),
      live: this.#live ?? this.#base.live,
    }
  }

  #writable<T extends TableName>(name: T): Map<string, RowOf<T>> {
    const existing = this.#tables[name]
    if (existing !== undefined) return existing as Map<string, RowOf<T>>
    const copy = new Map(this.#base[name] as ReadonlyMap<string, RowOf<T>>)
    ;(this.#tables as Record<TableName, unknown>)[name] = copy
    return copy
  }
}
