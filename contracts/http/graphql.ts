/**
 * GraphQL over HTTP: the one graph that clients ask, and the part of it that each of five services answers (a subgraph of
 * Apollo Federation 2). What may be asked is in `contracts/graphql`.
 */
import { z } from 'zod'
import { limits, text } from '../primitives.ts'
import { type Route, route } from '../vocabulary.ts'

/** The services that answer a part of the graph, each from `contracts/graphql/<name>.graphql`. */
export const subgraphNames = ['users', 'orders', 'inventory', 'payments', 'delivery'] as const
export type SubgraphName = (typeof subgraphNames)[number]

export const graphqlLimits = {
  /** Characters of a client's document. */
  documentCharsMax: 16 * 1024,
  /** Characters of what is asked of a subgraph: a client's document, taken apart and joined with others. */
  subgraphDocumentCharsMax: 256 * 1024,
  errorsMax: 100,
} as const

const operationName = text(limits.labelCharsMax).nullish()
const variables = z.record(text(limits.labelCharsMax), z.json()).nullish()
const persistedQuery = z
  .object({
    version: z.literal(1),
    sha256Hash: z
      .string()
      .max(64)
      .regex(/^[0-9a-f]{64}$/),
  })
  .meta({ description: 'The SHA-256 of a document that was sent before, or that is registered' })

const error = z.object({
  message: z.string().max(limits.sentenceCharsMax),
  locations: z
    .array(z.object({ line: z.int().min(0), column: z.int().min(0) }))
    .max(graphqlLimits.errorsMax)
    .optional(),
  path: z
    .array(z.union([z.string().max(limits.labelCharsMax), z.int().min(0)]))
    .max(limits.pageItemsMax)
    .optional(),
  extensions: z
    .object({
      code: z.string().max(limits.labelCharsMax).meta({ description: 'One of the codes of the problems' }),
      traceId: z.string().max(limits.traceIdCharsMax).optional(),
    })
    .optional(),
})
const result = z.object({
  data: z.record(z.string().max(limits.labelCharsMax), z.unknown()).nullish(),
  errors: z.array(error).max(graphqlLimits.errorsMax).optional(),
})
export type GraphqlResult = z.output<typeof result>

export const askGraph = route({
  id: 'askGraph',
  service: 'graphql',
  method: 'POST',
  path: '/graphql',
  summary: 'One question to the graph of five services; `Accept: text/event-stream` for a subscription',
  access: { anonymous: true, user: true },
  body: z.object({
    query: text(graphqlLimits.documentCharsMax).optional(),
    operationName,
    variables,
    extensions: z.object({ persistedQuery: persistedQuery.optional() }).nullish(),
  }),
  status: 200,
  reply: result,
  errors: [
    'invalid_json',
    'invalid_request',
    'not_found',
    'unsupported_media_type',
    'unavailable',
    'deadline_exceeded',
  ],
})
export type GraphQuestion = z.output<typeof askGraph.body>

const subgraphRoute = (service: SubgraphName) =>
  route({
    id: `${service}Subgraph`,
    service,
    method: 'POST',
    path: `/subgraph/${service}`,
    summary: `The part of the graph that ${service} answers, for the graphql service`,
    access: { services: ['graphql'] },
    body: z.object({ query: text(graphqlLimits.subgraphDocumentCharsMax), operationName, variables }),
    status: 200,
    reply: result,
    errors: ['invalid_json', 'invalid_request', 'unauthenticated', 'forbidden'],
    internal: true,
  })

/** One route a subgraph. */
export const subgraphRoutes = Object.fromEntries(subgraphNames.map((name) => [name, subgraphRoute(name)])) as Record<
  SubgraphName,
  ReturnType<typeof subgraphRoute>
>

export const graphqlRoutes: readonly Route[] = [askGraph, ...Object.values(subgraphRoutes)]
