/** One row of the API table. */
import type { Broker, Caller } from '../broker.ts'
import type { Decoded, Encodable, Message, Shape } from '../protocol/schema.ts'

/** inline: answered in its turn. parked: the answer may wait for other clients, for as long as the request allows. */
export type Scheduling = 'inline' | 'parked'

export interface Api<Request extends Shape = Shape, Response extends Shape = Shape> {
  readonly key: number
  readonly name: string
  /** The versions that ApiVersions offers. */
  readonly min: number
  readonly max: number
  /** First version that is answered, where it differs from the offered one. */
  readonly answeredFrom?: number
  readonly scheduling: Scheduling
  readonly request: Message<Request>
  readonly response: Message<Response>
  /** Gives null when the client wants no answer. */
  readonly handler: (
    broker: Broker,
    caller: Caller,
    request: Decoded<Request>,
  ) => Encodable<Response> | null | Promise<Encodable<Response> | null>
}

/** Checks a row's handler against its messages, then forgets their exact types, so that rows fit one table. */
export function api<const Request extends Shape, const Response extends Shape>(row: Api<Request, Response>): Api {
  return row as unknown as Api
}
