/**
 * Documents by the SHA-256 of their text, so that a client sends a hash instead of a text: those of the contracts, which
 * are always there, and those that clients sent with their hash, as many as there is room for.
 */
import { createHash } from 'node:crypto'
import { operations } from '@svyaz/contracts/graphql/generated/operations.ts'
import type { GraphQuestion } from '@svyaz/contracts/http/graphql.ts'
import { Failure } from '@svyaz/kit'

/** What a client understands as "send the text too": Apollo's automatic persisted queries look for these words. */
const notFoundWords = 'PersistedQueryNotFound'

/** SHA-256, in hexadecimal. */
export const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex')

const registered: ReadonlyMap<string, string> = new Map(Object.values(operations).map((text) => [hashOf(text), text]))

export class PersistedDocuments {
  readonly #sent = new Map<string, string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  /**
   * The text of the document that a question means.
   *
   * @param documents `registered`: nothing else is answered
   * @throws Failure `invalid_request` for neither text nor hash, or a hash of another text; `not_found` for an unknown
   *   hash; `forbidden` for a document that isn't registered where only those are answered
   */
  textOf({ query, extensions }: GraphQuestion, documents: 'any' | 'registered'): string {
    const hash = extensions?.persistedQuery?.sha256Hash
    if (query === undefined) {
      if (hash === undefined) throw new Failure('invalid_request', 'a question needs `query` or a persisted query')
      const text = registered.get(hash) ?? (documents === 'any' ? this.#recall(hash) : undefined)
      if (text === undefined) throw new Failure('not_found', notFoundWords)
      return text
    }
    if (hash !== undefined && hashOf(query) !== hash)
      throw new Failure('invalid_request', 'sha256Hash is not the hash of the query')
    if (documents === 'registered') {
      if (!registered.has(hash ?? hashOf(query)))
        throw new Failure('forbidden', 'only registered documents are answered here')
    } else if (hash !== undefined) this.#keep(hash, query)
    return query
  }

  #recall(hash: string): string | undefined {
    const text = this.#sent.get(hash)
    if (text !== undefined) this.#keep(hash, text)
    return text
  }

  /** The most recently used last. */
  #keep(hash: string, text: string): void {
    if (registered.has(hash)) return
    this.#sent.delete(hash)
    this.#sent.set(hash, text)
    const [oldest] = this.#sent.keys()
    if (this.#sent.size > this.#max && oldest !== undefined) this.#sent.delete(oldest)
  }
}
