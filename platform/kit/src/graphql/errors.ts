/** Errors of GraphQL as callers see them: a code of the closed table, the trace, the path; never a stack. */
import { type ErrorCode, errorTable } from '@svyaz/contracts/errors.ts'
import { type GraphqlResult, graphqlLimits } from '@svyaz/contracts/http/graphql.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import type { GraphQLError } from 'graphql'
import type { Logger } from '../api.ts'
import { Failure } from '../failure.ts'

type WrittenError = NonNullable<GraphqlResult['errors']>[number]

/**
 * What is written of each error, at most `errorsMax`. A Failure keeps its code and detail, also one that another service
 * answered as an error of GraphQL; what the question itself did wrong is `invalid_request`; the rest is a bare `internal`
 * and goes to the log.
 */
export const graphqlErrors = (
  errors: readonly GraphQLError[],
  { log, traceId }: { log: Logger; traceId: string | undefined },
): WrittenError[] =>
  errors.slice(0, graphqlLimits.errorsMax).map((error) => {
    const { code, message } = meaningOf(error)
    if (code === 'internal') log.error({ err: error.originalError ?? error, path: error.path }, 'a field broke')
    return {
      message: message.slice(0, limits.sentenceCharsMax),
      ...(error.locations === undefined
        ? {}
        : { locations: error.locations.map(({ line, column }) => ({ line, column })) }),
      ...(error.path === undefined ? {} : { path: [...error.path] }),
      extensions: { code, ...(traceId === undefined ? {} : { traceId }) },
    }
  })

/** The code and the words of an error, whoever made it. */
export const meaningOf = (error: GraphQLError): { code: ErrorCode; message: string } => {
  const cause = innermost(error)
  if (cause instanceof Failure) return { code: cause.code, message: cause.detail }
  const { code } = error.extensions
  if (typeof code === 'string' && Object.hasOwn(errorTable, code))
    return { code: code as ErrorCode, message: error.message }
  // No resolver was called: the document or its variables are at fault.
  if (error.path === undefined && cause === undefined) return { code: 'invalid_request', message: error.message }
  return { code: 'internal', message: errorTable.internal.title }
}

const innermost = (error: GraphQLError): Error | undefined => {
  let inner: Error | undefined = error.originalError ?? undefined
  while (inner !== undefined && !(inner instanceof Failure)) {
    // Several at one place: the first says why there is nothing.
    const below = inner instanceof AggregateError ? inner.errors[0] : (inner as { originalError?: Error }).originalError
    if (!below) return inner
    inner = below
  }
  return inner
}
