import type { Context } from '@svyaz/kit'

/** What the store in MongoDB takes of a service's context. */
export type MongoContext = Pick<
  Context<unknown>,
  'instance' | 'clock' | 'ids' | 'log' | 'metrics' | 'tracer' | 'random'
>
