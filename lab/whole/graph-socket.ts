/** An order followed through the graph over a WebSocket, as a page does it. */
import assert from 'node:assert/strict'
import { operations } from '@svyaz/contracts/graphql/generated/operations.ts'
import { graphqlSubprotocol } from '@svyaz/contracts/socket/graphql.ts'
import type { Person } from '@svyaz/observe/person.ts'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** An answer of the graph (GraphQL, section 7). */
export interface Result {
  // biome-ignore lint/suspicious/noExplicitAny: whatever was asked for
  readonly data?: any
  readonly errors?: readonly {
    message: string
    path?: (string | number)[]
    extensions: { code: string; traceId: string }
  }[]
}

/**
 * What the graph sends of an order until it ends.
 * @param id the order's
 * @returns results in the order they came, the last with a final status
 * @throws Error with the codes of what the server answered instead
 */
export const followedBySocket = (person: Person, id: string): Promise<Result[]> => {
  class WithToken extends WebSocket {
    constructor(url: string, protocols: string | string[]) {
      super(url, protocols, { headers: { authorization: `Bearer ${person.token}` } })
      assert.deepEqual([protocols].flat(), [graphqlSubprotocol])
    }
  }
  const url = `${person.gateway.replace('http', 'ws')}/graphql`
  const client = createClient({ url, webSocketImpl: WithToken, retryAttempts: 0 })
  const results: Result[] = []
  return new Promise<Result[]>((resolve, reject) => {
    client.subscribe(
      { query: operations['order-progress'], variables: { id } },
      {
        next: (result) => {
          if (result.errors) reject(new Error(JSON.stringify(result.errors)))
          else results.push(result as Result)
        },
        error: (error) => reject(new Error(JSON.stringify(error))),
        complete: () => resolve(results),
      },
    )
  }).finally(() => client.dispose())
}
