/**
 * What runs for a token request runs in its one transaction (token-requests.ts), however deep in the provider. Asking the
 * pool in there would take a second connection while holding one: as many requests at once as the pool has connections
 * would wait for each other until they all fail.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { UsersContext } from '../context.ts'
import type { UsersTx } from '../storage.ts'

export interface TokenRequest {
  readonly tx: UsersTx
  /** A refresh token that was used, and is answered again: it is looked at as if it weren't used. */
  readonly repeated: Buffer | undefined
  /** What broke in the provider, which answers it with 500 and throws nothing. */
  broke?: unknown
}
export const tokenRequest = new AsyncLocalStorage<TokenRequest>()

/** Where to ask: the transaction of the token request that this is done for, else the pool. */
export const queryOf = (context: Pick<UsersContext, 'database'>): UsersContext['database']['query'] =>
  tokenRequest.getStore()?.tx ?? context.database.query

/** Does the work in the transaction of the token request that it is done for, else in one of its own. */
export const inTransaction = <T>(context: UsersContext, work: (tx: UsersTx) => Promise<T>): Promise<T> => {
  const tx = tokenRequest.getStore()?.tx
  return tx === undefined ? context.database.transaction(work) : work(tx)
}
