/**
 * The graph: the supergraph of the contracts, executed by asking its subgraphs (decision 0080). What is asked of one
 * service at the same time goes as one request; entities of a list are asked for together. Loaded late: it is the only
 * file, with `documents.ts` and `measure.ts`, that carries the library.
 */
import { getStitchedSchemaFromSupergraphSdl } from '@graphql-tools/federation'
import { supergraph } from '@svyaz/contracts/graphql/generated/supergraph.ts'
import type { GraphQuestion, GraphqlResult, SubgraphName } from '@svyaz/contracts/http/graphql.ts'
import { type Caller, Failure, graphqlErrors, type Logger, type Tracer } from '@svyaz/kit'
import { type DocumentNode, type ExecutionResult, execute, GraphQLError, type GraphQLSchema, print } from 'graphql'
import { limits, type Settings } from './config.ts'
import { Documents, type Prepared, Refused } from './documents.ts'
import { locatingErrors } from './located.ts'
import { PersistedDocuments } from './persisted.ts'
import { followedBy } from './subscription.ts'

/** Who asks; one object for each execution, since what is asked together is told apart by it. */
export interface Asker {
  readonly caller: Caller
  /** Ends a subscription. */
  readonly signal: AbortSignal
}

/** What a subgraph is asked. */
export interface SubgraphQuestion {
  query: string
  variables?: Record<string, unknown>
}

/** Asks a subgraph. Throws the Failure that the fields behind it get. */
export type AskSubgraph = (name: SubgraphName, question: SubgraphQuestion, asker: Asker) => Promise<GraphqlResult>

/** Something comes whenever an order has changed, and at first. Throws a Failure when that can't be known. */
export type FollowOrder = (orderId: string, asker: Asker) => AsyncIterable<unknown>

export interface GraphParts {
  log: Logger
  tracer: Tracer
  /** Whether the schema itself may be asked for. */
  introspection: boolean
  settings: () => Settings
  ask: AskSubgraph
  follow: FollowOrder
  /** Another supergraph than that of the contracts; for tests. */
  supergraph?: string
}

export type Answer =
  | { kind: 'refused'; result: GraphqlResult }
  | { kind: 'result'; result: GraphqlResult }
  | { kind: 'stream'; results: AsyncGenerator<GraphqlResult> }

export class Graph {
  readonly #parts: GraphParts
  readonly #schema: GraphQLSchema
  readonly #documents: Documents
  readonly #persisted = new PersistedDocuments(limits.persistedMax)

  constructor(parts: GraphParts) {
    this.#parts = parts
    this.#schema = locatingErrors(stitched(parts))
    this.#documents = new Documents(this.#schema, parts.introspection)
  }

  /** Answers a question; never throws what a client did wrong. */
  async answer(question: GraphQuestion, asker: Asker): Promise<Answer> {
    let prepared: Prepared
    try {
      const settings = this.#parts.settings()
      prepared = this.#documents.prepare(this.#persisted.textOf(question, settings.documents), question, settings)
    } catch (error) {
      return { kind: 'refused', result: { errors: this.#written(refusedErrors(error)) } }
    }
    const { operation, name } = prepared.operation
    const attributes = { 'graphql.operation.type': operation, 'graphql.operation.name': name?.value ?? '' }
    return this.#parts.tracer.span(`graphql ${operation}`, { attributes }, async () =>
      operation === 'subscription'
        ? this.#subscribe(prepared, question, asker)
        : { kind: 'result', result: await this.#execute(prepared, question, asker) },
    )
  }

  async #execute(
    { document, operation }: Prepared,
    { variables }: GraphQuestion,
    asker: Asker,
  ): Promise<GraphqlResult> {
    const result = await execute({
      schema: this.#schema,
      document,
      operationName: operation.name?.value ?? null,
      variableValues: variables ?? {},
      contextValue: asker,
    })
    return this.#resultOf(result)
  }

  #subscribe(prepared: Prepared, question: GraphQuestion, asker: Asker): Answer {
    try {
      const { orderId, query } = followedBy(prepared, question.variables)
      const changes = this.#parts.follow(orderId, asker)
      return { kind: 'stream', results: this.#results(changes, query, question, asker) }
    } catch (error) {
      return { kind: 'refused', result: { errors: this.#written(refusedErrors(error)) } }
    }
  }

  /** Ends with the source; when that breaks, with the reason. */
  async *#results(
    changes: AsyncIterable<unknown>,
    query: Prepared,
    question: GraphQuestion,
    asker: Asker,
  ): AsyncGenerator<GraphqlResult> {
    try {
      let last = ''
      for await (const _changed of changes) {
        // What may be loaded together is of one change alone: each has an asker of its own.
        const result = await this.#execute(query, question, { ...asker })
        // Two changes may be read as one: then the second brings nothing new.
        const text = JSON.stringify(result.data ?? null)
        if (text === last && result.errors === undefined) continue
        last = text
        yield result
      }
    } catch (error) {
      if (!asker.signal.aborted) yield { errors: this.#written([asGraphqlError(error)]) }
    }
  }

  #resultOf({ data, errors }: ExecutionResult): GraphqlResult {
    return {
      ...(data === undefined ? {} : { data }),
      ...(errors === undefined || errors.length === 0 ? {} : { errors: this.#written(errors) }),
    }
  }

  #written(errors: readonly GraphQLError[]) {
    const { log, tracer } = this.#parts
    return graphqlErrors(errors, { log, traceId: tracer.current()?.slice(3, 35) })
  }
}

const refusedErrors = (error: unknown): readonly GraphQLError[] => {
  if (error instanceof Refused) return error.errors
  if (error instanceof Failure) return [asGraphqlError(error)]
  throw error
}

const asGraphqlError = (error: unknown): GraphQLError =>
  new GraphQLError(error instanceof Error ? error.message : String(error), { originalError: error as Error })

const stitched = ({ ask, supergraph: other }: GraphParts): GraphQLSchema => {
  const texts = new WeakMap<DocumentNode, string>()
  const textOf = (document: DocumentNode): string => {
    const known = texts.get(document)
    if (known !== undefined) return known
    const text = print(document)
    texts.set(document, text)
    return text
  }
  return getStitchedSchemaFromSupergraphSdl({
    supergraphSdl: other ?? supergraph,
    batch: true,
    onSubschemaConfig(subschema) {
      // The supergraph spells names as an enum does.
      const name = subschema.name.toLowerCase() as SubgraphName
      subschema.executor = ({ document, variables, context }) => {
        const question = { query: textOf(document), ...(variables === undefined ? {} : { variables }) }
        return ask(name, question as SubgraphQuestion, context as unknown as Asker) as never
      }
    },
  })
}
