/** Executes questions to a subgraph. The only file, with `errors.ts`, that loads GraphQL; loaded late. */
import { buildSubgraphSchema } from '@apollo/subgraph'
import type { GraphqlResult } from '@svyaz/contracts/http/graphql.ts'
import { type DocumentNode, execute, type GraphQLError, getOperationAST, parse, validate } from 'graphql'
import type { Logger, Tracer } from '../api.ts'
import { Failure } from '../failure.ts'
import { graphqlErrors } from './errors.ts'
import type { Subgraph } from './schema.ts'

type Module = Extract<Parameters<typeof buildSubgraphSchema>[0], readonly unknown[]>[number]
type ResolverMap = NonNullable<Extract<Module, { resolvers?: unknown }>['resolvers']>

export interface SubgraphEngine {
  answer(
    question: {
      query: string
      operationName?: string | null | undefined
      variables?: Record<string, unknown> | null | undefined
    },
    call: object,
  ): Promise<GraphqlResult>
}

/** Documents that are kept parsed and checked: the router asks in few forms. */
const documentsMax = 200
/** Tokens of a document, so that parsing one is bounded too. */
const tokensMax = 20_000

/** Builds the schema. Throws what is wrong with it. */
export const createSubgraphEngine = <PerQuestion extends object>(
  { log, tracer }: { log: Logger; tracer: Tracer },
  { sdl, resolvers }: Subgraph<PerQuestion>,
): SubgraphEngine => {
  const schema = buildSubgraphSchema([{ typeDefs: parse(sdl), resolvers: resolvers as unknown as ResolverMap }])
  const documents = new Map<string, DocumentNode>()

  const documentOf = (query: string): DocumentNode | readonly GraphQLError[] => {
    const known = documents.get(query)
    if (known !== undefined) return known
    const document = parseQuestion(query)
    const faults = validate(schema, document, undefined, { maxErrors: 10 })
    if (faults.length > 0) return faults
    if (documents.size >= documentsMax) documents.delete(documents.keys().next().value as string)
    documents.set(query, document)
    return document
  }

  return {
    async answer({ query, operationName, variables }, call) {
      const formatted = (errors: readonly GraphQLError[]) =>
        graphqlErrors(errors, { log, traceId: tracer.current()?.slice(3, 35) })
      const document = documentOf(query)
      if (Array.isArray(document)) return { errors: formatted(document) }
      const operation = getOperationAST(document as DocumentNode, operationName)
      if (operation === null || operation === undefined)
        throw new Failure('invalid_request', 'which operation is meant is not clear')
      if (operation.operation !== 'query')
        throw new Failure('invalid_request', 'a subgraph answers queries; an order is followed over gRPC (FollowOrder)')
      const result = await execute({
        schema,
        document: document as DocumentNode,
        contextValue: call,
        variableValues: variables ?? {},
        operationName: operationName ?? null,
      })
      return {
        ...(result.data === undefined ? {} : { data: result.data }),
        ...(result.errors === undefined ? {} : { errors: formatted(result.errors) }),
      }
    },
  }
}

/** @throws Failure `invalid_request` */
const parseQuestion = (query: string): DocumentNode => {
  try {
    return parse(query, { maxTokens: tokensMax, noLocation: true })
  } catch (error) {
    throw new Failure('invalid_request', (error as Error).message)
  }
}
