/** The kit's public face. Read `api.ts` first. */
export type * from './api.ts'
export { isStaff, type SignedIn, signedIn } from './callers.ts'
export { defineService, handle, serveGrpc, subscribe, subscribeRecords } from './declare.ts'
export { Failure, HandlerError, permanent, transient } from './failure.ts'
export * from './own-server.ts'
export { pollLoop } from './poll-loop.ts'
export { runService } from './run.ts'
export { createWakes, type Wakes } from './wakes.ts'
