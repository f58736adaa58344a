/** The kit's public face. Read `api.ts` first. */
export type * from './api.ts'
export { withDeadline } from './calls/deadline.ts'
export { type KeptAnswer, KeptHttp } from './calls/kept-http.ts'
export { collected } from './database/collected.ts'
export { defineService, handle, serveGrpc, subscribe, subscribeRecords } from './declare.ts'
export { Failure, HandlerError, permanent, transient } from './failure.ts'
export { graphqlErrors } from './graphql/errors.ts'
export type { Resolvers, Subgraph } from './graphql/schema.ts'
export {
  allow,
  checked,
  loader,
  serveSubgraph,
} from './graphql/subgraph.ts'
export { isStaff, type SignedIn, signedIn } from './identity/callers.ts'
export { limitKeyOf } from './identity/client-key.ts'
export { outboxInsertion, tableSource } from './messaging/outbox.ts'
export * from './own-server.ts'
export { createHandlerSlots } from './process/handler-slots.ts'
export { pollLoop, type Round } from './process/poll-loop.ts'
export { together } from './process/together.ts'
export { createWakes, type Wakes } from './process/wakes.ts'
export { runService } from './run.ts'
