/**
 * One file of history: a SQLite database of its own, so that what is old goes by removing a file. Journal mode WAL
 * without waiting for the disk: what was committed survives the end of this process, however sudden; a power cut may
 * cost the newest, or the file.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'

const pageBytes = 4_096

export class Segment implements Disposable {
  readonly number: number
  readonly path: string
  readonly #database: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()

  /** @param number of the file, 0 in memory
   * @param path a file, or `:memory:`
   * @throws when it isn't a database, or the disk refuses it */
  constructor(number: number, path: string, schema: string) {
    this.number = number
    this.path = path
    this.#database = new DatabaseSync(path)
    try {
      this.#database.exec(
        `PRAGMA page_size = ${pageBytes}; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA cache_size = -2048;
         PRAGMA temp_store = MEMORY; PRAGMA wal_autocheckpoint = 256; ${schema}`,
      )
    } catch (error) {
      this.#database.close()
      throw error
    }
  }

  /** Bytes of the database; its write-ahead log is at most a megabyte more. */
  get bytes(): number {
    return Number(this.row('PRAGMA page_count')?.page_count ?? 0) * pageBytes
  }

  /** @returns the number of the row that was inserted last */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(sql).run(...values).lastInsertRowid)
  }

  row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined
  }

  rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[]
  }

  /** One row after the other, for those who may stop early. */
  each(sql: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#statement(sql).iterate(...values) as Iterable<Row>
  }

  /**
   * Writes all of it into a file, which mustn't be there.
   * @throws when the disk refuses; the file may be there in part
   */
  copyTo(path: string): void {
    this.#database.prepare('VACUUM INTO ?').run(path)
  }

  /** All of it, or nothing when it throws. */
  together(work: () => void): void {
    this.#database.exec('BEGIN')
    try {
      work()
      this.#database.exec('COMMIT')
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#statements.clear()
    this.#database.close()
  }

  #statement(sql: string): StatementSync {
    const found = this.#statements.get(sql) ?? this.#database.prepare(sql)
    this.#statements.set(sql, found)
    return found
  }
}

export type Row = Record<string, null | number | bigint | string | Uint8Array>
