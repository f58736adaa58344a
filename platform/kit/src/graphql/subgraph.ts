/**
 * A service's part of the graph (Apollo Federation 2): schema and resolvers in, an HTTP operation out. The library is
 * loaded by the first question, so a service that nobody asks pays nothing for it.
 *
 * Read in this order: schema.ts (what a service declares), subgraph.ts, engine.ts (executes a question), errors.ts.
 */
import type { Route } from '@svyaz/contracts/vocabulary.ts'
import type { z } from 'zod'
import type { Caller, HttpHandler, Logger, Tracer } from '../api.ts'
import { handle } from '../declare.ts'
import { Failure } from '../failure.ts'
import { admit } from '../identity/access.ts'
import type { SubgraphEngine } from './engine.ts'
import type { Subgraph } from './schema.ts'

/** The operation that answers the subgraph. Callers are checked by the route; for whom they ask, by each resolver. */
export const serveSubgraph = <PerQuestion extends object>(
  parts: { log: Logger; tracer: Tracer },
  subgraph: Subgraph<PerQuestion>,
): HttpHandler => {
  let engine: Promise<SubgraphEngine> | undefined
  const loaded = (): Promise<SubgraphEngine> => {
    engine ??= import('./engine.ts').then(({ createSubgraphEngine }) => createSubgraphEngine(parts, subgraph))
    engine.catch(() => {
      engine = undefined
    })
    return engine
  }
  return handle(subgraph.route, async ({ body, caller }) => {
    const asked = callerBehind(caller)
    const call = { ...subgraph.perQuestion(asked), caller: asked }
    return { body: await (await loaded()).answer(body, call) }
  })
}

/** A service that asks for a user is that user here; one that asks for nobody is anonymous, whatever it may do itself. */
const callerBehind = (caller: Caller): Caller =>
  caller.kind === 'service' && caller.onBehalfOf !== undefined
    ? { kind: 'user', ...caller.onBehalfOf }
    : { kind: 'anonymous' }

/** Refuses a field to whom the REST operation that answers the same is refused. @throws Failure */
export const allow = (route: Route, caller: Caller): Caller => {
  const admitted = admit(route.access, caller)
  if (admitted === 'unauthenticated') throw new Failure('unauthenticated', 'sign in first')
  if (admitted === 'forbidden') throw new Failure('forbidden', 'the caller may not do this')
  return admitted
}

/** Arguments of a field, held to the schema of the REST operation that answers the same. @throws Failure `invalid_request` */
export const checked = <Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> => {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw new Failure('invalid_request', `${issue?.path.join('.')}: ${issue?.message}`)
}

/**
 * Finds by key, once a question: keys that are asked for in one turn are found by one call, each once.
 * @param find the keys that it knows, with what they name; what is missing is undefined to whoever asked
 */
export const loader = <Value>(
  find: (keys: readonly string[]) => Promise<ReadonlyMap<string, Value>>,
): ((key: string) => Promise<Value | undefined>) => {
  const known = new Map<string, Promise<Value | undefined>>()
  let waiting: { keys: string[]; found: Promise<ReadonlyMap<string, Value>> } | undefined
  /** After every resolver that is ready by now has asked: those of a list ask within promises of the same turn. */
  const gathered = () => new Promise<void>((resolve) => void Promise.resolve().then(() => process.nextTick(resolve)))
  return (key) => {
    const before = known.get(key)
    if (before !== undefined) return before
    if (waiting === undefined) {
      const keys: string[] = []
      const found = gathered().then(() => {
        waiting = undefined
        return find(keys)
      })
      waiting = { keys, found }
    }
    waiting.keys.push(key)
    const value = waiting.found.then((values) => values.get(key))
    known.set(key, value)
    return value
  }
}
