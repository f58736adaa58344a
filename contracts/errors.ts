/**
 * The closed table of error codes: every refusal of every service, on every wire, is one of these.
 * `status` is the HTTP status (RFC 9110), `grpc` the gRPC status name, `retry` says whether repeating the same
 * request can help, `type` is derived (problem+json, RFC 9457). Anything that is not here becomes `internal`.
 */
export const errorTable = {
  invalid_json: { status: 400, grpc: 'INVALID_ARGUMENT', retry: false, title: 'The body is not valid JSON' },
  invalid_request: { status: 400, grpc: 'INVALID_ARGUMENT', retry: false, title: 'The request breaks its schema' },
  unauthenticated: { status: 401, grpc: 'UNAUTHENTICATED', retry: false, title: 'A valid access token is needed' },
  invalid_credentials: { status: 401, grpc: 'UNAUTHENTICATED', retry: false, title: 'The e-mail or password is wrong' },
  forbidden: { status: 403, grpc: 'PERMISSION_DENIED', retry: false, title: 'The caller may not do this' },
  user_blocked: { status: 403, grpc: 'PERMISSION_DENIED', retry: false, title: 'The user is blocked' },
  not_found: { status: 404, grpc: 'NOT_FOUND', retry: false, title: 'There is no such thing, or it is not yours' },
  method_not_allowed: { status: 405, grpc: 'UNIMPLEMENTED', retry: false, title: 'This path has no such method' },
  request_timeout: { status: 408, grpc: 'DEADLINE_EXCEEDED', retry: true, title: 'The request arrived too slowly' },
  conflict: { status: 409, grpc: 'ABORTED', retry: false, title: 'The state does not allow this' },
  email_taken: { status: 409, grpc: 'ALREADY_EXISTS', retry: false, title: 'The e-mail is already registered' },
  order_not_changeable: { status: 409, grpc: 'FAILED_PRECONDITION', retry: false, title: 'The order is past changing' },
  order_not_cancellable: {
    status: 409,
    grpc: 'FAILED_PRECONDITION',
    retry: false,
    title: 'The order is past cancelling',
  },
  version_mismatch: { status: 412, grpc: 'FAILED_PRECONDITION', retry: false, title: 'It changed since you read it' },
  body_too_large: { status: 413, grpc: 'RESOURCE_EXHAUSTED', retry: false, title: 'The body is over the limit' },
  target_too_long: { status: 414, grpc: 'INVALID_ARGUMENT', retry: false, title: 'The request target is too long' },
  unsupported_media_type: {
    status: 415,
    grpc: 'INVALID_ARGUMENT',
    retry: false,
    title: 'The media type is not supported',
  },
  idempotency_key_reused: {
    status: 422,
    grpc: 'INVALID_ARGUMENT',
    retry: false,
    title: 'The Idempotency-Key came with another body',
  },
  unknown_product: { status: 422, grpc: 'INVALID_ARGUMENT', retry: false, title: 'There is no such product' },
  duplicate_line: {
    status: 422,
    grpc: 'INVALID_ARGUMENT',
    retry: false,
    title: 'A product is in more than one line',
  },
  weak_password: { status: 422, grpc: 'INVALID_ARGUMENT', retry: false, title: 'The password is too easy to guess' },
  wrong_password: { status: 422, grpc: 'INVALID_ARGUMENT', retry: false, title: 'The current password is wrong' },
  unknown_user: { status: 422, grpc: 'INVALID_ARGUMENT', retry: false, title: 'There is no such user' },
  invalid_properties: {
    status: 422,
    grpc: 'INVALID_ARGUMENT',
    retry: false,
    title: 'The application does not take these properties',
  },
  out_of_stock: { status: 409, grpc: 'FAILED_PRECONDITION', retry: false, title: 'Not enough in stock' },
  payment_declined: { status: 402, grpc: 'FAILED_PRECONDITION', retry: false, title: 'The payment was declined' },
  too_early: { status: 425, grpc: 'UNAVAILABLE', retry: true, title: 'It may be a replay; send it again' },
  too_many_requests: { status: 429, grpc: 'RESOURCE_EXHAUSTED', retry: true, title: 'Over the limit of requests' },
  headers_too_large: {
    status: 431,
    grpc: 'RESOURCE_EXHAUSTED',
    retry: false,
    title: 'The header section is over the limit',
  },
  internal: { status: 500, grpc: 'INTERNAL', retry: true, title: 'Something broke on our side' },
  bad_gateway: { status: 502, grpc: 'UNAVAILABLE', retry: true, title: 'The service behind answered nonsense' },
  unavailable: { status: 503, grpc: 'UNAVAILABLE', retry: true, title: 'The service is away; try again' },
  deadline_exceeded: { status: 504, grpc: 'DEADLINE_EXCEEDED', retry: true, title: 'It took longer than allowed' },
} as const satisfies Record<string, ErrorRow>

interface ErrorRow {
  status: number
  grpc: string
  retry: boolean
  title: string
}

export type ErrorCode = keyof typeof errorTable

/** One fault of a request; `pointer` is a JSON Pointer (RFC 6901) into the named part. */
export interface Fault {
  in: 'body' | 'query' | 'path' | 'header'
  pointer: string
  detail: string
}

/** The body of every HTTP error (RFC 9457) with our two extensions, `code` and `traceId`. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: ErrorCode
  traceId: string
  errors?: Fault[]
}
