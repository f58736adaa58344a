/** Errors as HTTP says them: problem+json (RFC 9457). Pure. Decision 0023. */

import type { ServerResponse } from 'node:http'
import { type ErrorCode, errorTable, type Fault, type Problem } from '@svyaz/contracts/errors.ts'
import { limits } from '@svyaz/contracts/primitives.ts'
import { type ListenerFault, needsRetryAfter, retryAfterDefault, type Written } from '@svyaz/listener'
import type { z } from 'zod'
import type { Ids, Logger } from '../api.ts'
import { Failure } from '../failure.ts'

export const problemMediaType = 'application/problem+json'

/** RFC 9457 wants an absolute URI; a URN promises no page behind it. */
export const problemType = (code: ErrorCode): string => `urn:svyaz:problem:${code}`

/** A Failure as problem details (RFC 9457), with the trace id to look for. */
export const problemOf = (failure: Failure, traceId: string): Problem => {
  const row = errorTable[failure.code]
  return {
    type: problemType(failure.code),
    title: row.title,
    status: row.status,
    detail: failure.detail.slice(0, limits.problemTextCharsMax),
    code: failure.code,
    traceId,
    ...(failure.faults.length === 0 ? {} : { errors: shownOf(failure.faults) }),
  }
}

/** A body of 1 MiB can have 100,000 faults, or one with a name as long: an answer names a limited number, each at a limited length. */
const shownOf = (faults: readonly Fault[]): Fault[] =>
  faults.slice(0, limits.problemFaultsMax).map((fault) => ({
    in: fault.in,
    pointer: fault.pointer.slice(0, limits.problemTextCharsMax),
    detail: fault.detail.slice(0, limits.problemTextCharsMax),
  }))

/** When the caller should come back, in whole seconds: what the failure says, else the default where its status needs one. */
export const retryAfterOf = ({ status, retryAfterSeconds }: Failure): number | undefined =>
  retryAfterSeconds !== undefined
    ? Math.max(1, Math.ceil(retryAfterSeconds))
    : needsRetryAfter(status)
      ? retryAfterDefault
      : undefined

/** Headers that an error answer carries besides its body. */
export const problemHeaders = (failure: Failure): Record<string, string> => {
  const retryAfter = retryAfterOf(failure)
  return {
    ...(failure.status === 401 ? { 'www-authenticate': 'Bearer' } : {}),
    ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    ...failure.headers,
  }
}

/** Seconds of a `Retry-After`; undefined when there is none, or it is a date: a clock that is not ours. */
export const secondsOf = (retryAfter: string | undefined): number | undefined =>
  retryAfter !== undefined && /^\d{1,9}$/.test(retryAfter) ? Number(retryAfter) : undefined

/** A problem+json body back into the Failure it was made of; undefined when it was not made of one. */
export const failureOf = (body: unknown, status: number, retryAfter: string | undefined): Failure | undefined => {
  if (typeof body !== 'object' || body === null || !('code' in body)) return undefined
  const { code, detail, errors } = body as Partial<Problem>
  if (code === undefined || !Object.hasOwn(errorTable, code) || errorTable[code].status !== status) return undefined
  const retryAfterSeconds = secondsOf(retryAfter)
  return new Failure(code, typeof detail === 'string' ? detail : errorTable[code].title, {
    ...(Array.isArray(errors) ? { faults: errors } : {}),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })
}

/** A JSON pointer (RFC 6901) from the path of a fault. */
export const jsonPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')

/** Every fault that zod found, each unknown field on its own. */
export const faultsOf = (error: z.ZodError, where: Fault['in']): Fault[] =>
  error.issues.flatMap((issue): Fault[] =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({
          in: where,
          pointer: jsonPointer([...issue.path, key]),
          detail: 'is not known here',
        }))
      : [{ in: where, pointer: jsonPointer(issue.path), detail: issue.message }],
  )

/** What Fastify and Node say, in our codes; undefined for what is not the caller's doing. */
const frameworkCodes: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['unsupported_media_type', 'the body has a media type that is not taken here'],
  FST_ERR_CTP_INVALID_TYPE: ['unsupported_media_type', 'the content type cannot be read'],
  FST_ERR_CTP_BODY_TOO_LARGE: ['body_too_large', 'the body is over the limit'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['invalid_request', 'the body is not as long as Content-Length says'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['invalid_json', 'the body is empty'],
  FST_ERR_CTP_INVALID_JSON_BODY: ['invalid_json', 'the body is not JSON'],
  FST_ERR_BAD_URL: ['invalid_request', 'the path is not well formed'],
  FST_ERR_MAX_PARAM_LENGTH: ['not_found', 'the path is too long to name anything'],
}

/**
 * The Failure that is answered for anything thrown. What is not one, and not a known fault of the request, becomes a
 * bare `internal` with the error as its cause, for the log.
 */
export const toFailure = (error: unknown): Failure => {
  if (error instanceof Failure) return error
  const code = (error as { code?: unknown } | undefined)?.code
  const known = typeof code === 'string' ? frameworkCodes[code] : undefined
  if (known !== undefined) return new Failure(known[0], known[1], { cause: error })
  return new Failure('internal', 'the request could not be answered; the trace id finds it in the logs', {
    cause: error,
  })
}

/** What the listener itself refuses, written as our services write a problem. */
export const faultWriter =
  (ids: Ids) =>
  (fault: ListenerFault): Written => {
    const failure = new Failure(fault.code, fault.detail)
    return writtenProblem(failure, ids.uuid().replaceAll('-', ''))
  }

/** Headers and body of a problem for an answer that is written by hand. */
export const writtenProblem = (failure: Failure, traceId: string): Written => ({
  headers: { 'content-type': problemMediaType, 'cache-control': 'no-store', ...problemHeaders(failure) },
  body: JSON.stringify(problemOf(failure, traceId)),
})

/** A failure as the whole answer to a request of node:http. */
export const answerProblem = (core: { ids: Ids; log: Logger }, response: ServerResponse, failure: Failure): void => {
  if (failure.code === 'internal') core.log.error({ err: failure.cause ?? failure }, 'request broke')
  if (response.headersSent) return void response.destroy()
  const body = Buffer.from(JSON.stringify(problemOf(failure, core.ids.uuid().replaceAll('-', ''))))
  response.writeHead(failure.status, {
    ...problemHeaders(failure),
    'content-type': problemMediaType,
    'content-length': body.length,
  })
  response.end(body)
}
