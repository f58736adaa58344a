/**
 * Failures as gRPC says them: the status of the error table, and our code as google.rpc.ErrorInfo in
 * `grpc-status-details-bin` (the richer error model). Pure. Decision 0023.
 */

import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import type { Metadata } from '@grpc/grpc-js'
import { type ErrorCode, errorTable, type Fault } from '@svyaz/contracts/errors.ts'
import { Failure } from '../failure.ts'
import { retryAfterOf } from '../http/problem.ts'

/** The names of grpc/status.proto, so that nothing here needs the gRPC library. */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const
export type GrpcStatusName = keyof typeof grpcStatus

export const statusNames: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(grpcStatus).map(([name, number]) => [number, name]),
)

export const detailsKey = 'grpc-status-details-bin'
const domain = 'svyaz'
const typeUrl = 'type.googleapis.com/google.rpc.'

/** The gRPC status of an error code. */
export const statusOf = (code: ErrorCode): number => grpcStatus[errorTable[code].grpc as GrpcStatusName]

const any = (type: string, value: Uint8Array) =>
  new BinaryWriter()
    .uint32((1 << 3) | WireType.LengthDelimited)
    .string(typeUrl + type)
    .uint32((2 << 3) | WireType.LengthDelimited)
    .bytes(value)
    .finish()

const text = (writer: BinaryWriter, field: number, value: string) =>
  writer.uint32((field << 3) | WireType.LengthDelimited).string(value)

const message = (writer: BinaryWriter, field: number, value: Uint8Array) =>
  writer.uint32((field << 3) | WireType.LengthDelimited).bytes(value)

/** google.rpc.ErrorInfo {reason = 1, domain = 2}. */
const errorInfo = (code: ErrorCode) => text(text(new BinaryWriter(), 1, code), 2, domain).finish()

/** google.rpc.RetryInfo {google.protobuf.Duration retry_delay = 1 {int64 seconds = 1}}. */
const retryInfo = (seconds: number) =>
  message(
    new BinaryWriter(),
    1,
    new BinaryWriter()
      .uint32(1 << 3)
      .int64(Math.ceil(seconds))
      .finish(),
  ).finish()

/** google.rpc.BadRequest {repeated FieldViolation field_violations = 1 {field = 1, description = 2}}. */
const badRequest = (faults: readonly Fault[]) => {
  const writer = new BinaryWriter()
  for (const fault of faults)
    message(writer, 1, text(text(new BinaryWriter(), 1, fault.pointer), 2, fault.detail).finish())
  return writer.finish()
}

/** google.rpc.Status {code = 1, message = 2, repeated google.protobuf.Any details = 3} of a Failure. */
export const encodeDetails = (failure: Failure): Uint8Array => {
  const writer = new BinaryWriter().uint32(1 << 3).int32(statusOf(failure.code))
  text(writer, 2, failure.detail)
  message(writer, 3, any('ErrorInfo', errorInfo(failure.code)))
  const retryAfter = retryAfterOf(failure)
  if (retryAfter !== undefined) message(writer, 3, any('RetryInfo', retryInfo(retryAfter)))
  if (failure.faults.length > 0) message(writer, 3, any('BadRequest', badRequest(failure.faults)))
  return writer.finish()
}

/** The length-delimited and varint fields of a message, in order; enough for the messages above. */
function* fieldsOf(bytes: Uint8Array): Generator<{ field: number; bytes: Uint8Array; number: number }> {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, wireType] = reader.tag()
    if (wireType === WireType.LengthDelimited) yield { field, bytes: reader.bytes(), number: 0 }
    else if (wireType === WireType.Varint) yield { field, bytes: new Uint8Array(), number: Number(reader.int64()) }
    else reader.skip(wireType)
  }
}

const decoder = new TextDecoder()
const stringField = (bytes: Uint8Array, wanted: number): string => {
  for (const { field, bytes: value } of fieldsOf(bytes)) if (field === wanted) return decoder.decode(value)
  return ''
}

/** What a service said in the details, when it came from one of our services; undefined for anything else, broken bytes included. */
export const decodeDetails = (
  bytes: Uint8Array,
): { code: ErrorCode; faults: Fault[]; retryAfterSeconds: number | undefined } | undefined => {
  let code: ErrorCode | undefined
  let retryAfterSeconds: number | undefined
  const faults: Fault[] = []
  try {
    for (const { field, bytes: detail } of fieldsOf(bytes)) {
      if (field !== 3) continue
      const type = stringField(detail, 1)
      const value = [...fieldsOf(detail)].find((part) => part.field === 2)?.bytes ?? new Uint8Array()
      if (type === `${typeUrl}ErrorInfo` && stringField(value, 2) === domain) {
        const reason = stringField(value, 1)
        if (Object.hasOwn(errorTable, reason)) code = reason as ErrorCode
      }
      if (type === `${typeUrl}BadRequest`)
        for (const violation of fieldsOf(value))
          faults.push({
            in: 'body',
            pointer: stringField(violation.bytes, 1),
            detail: stringField(violation.bytes, 2),
          })
      if (type === `${typeUrl}RetryInfo`)
        for (const delay of fieldsOf(value))
          retryAfterSeconds = [...fieldsOf(delay.bytes)].find((part) => part.field === 1)?.number ?? 0
    }
  } catch {
    return undefined
  }
  return code === undefined ? undefined : { code, faults, retryAfterSeconds }
}

/** A status without our details: what another server, a proxy or the library itself says. */
const plainCodes: Readonly<Record<number, ErrorCode>> = {
  [grpcStatus.CANCELLED]: 'unavailable',
  [grpcStatus.INVALID_ARGUMENT]: 'invalid_request',
  [grpcStatus.DEADLINE_EXCEEDED]: 'deadline_exceeded',
  [grpcStatus.NOT_FOUND]: 'not_found',
  [grpcStatus.ALREADY_EXISTS]: 'conflict',
  [grpcStatus.PERMISSION_DENIED]: 'forbidden',
  [grpcStatus.RESOURCE_EXHAUSTED]: 'too_many_requests',
  [grpcStatus.FAILED_PRECONDITION]: 'conflict',
  [grpcStatus.ABORTED]: 'conflict',
  [grpcStatus.UNAVAILABLE]: 'unavailable',
  [grpcStatus.UNAUTHENTICATED]: 'unauthenticated',
}

/** The Failure that a status of another service stands for; details that can't be read are left out. */
export const failureOfStatus = (
  service: string,
  status: { code: number; details: string; richDetails: Uint8Array | undefined; cause: unknown },
): Failure => {
  const said = status.richDetails === undefined ? undefined : decodeDetails(status.richDetails)
  if (said === undefined)
    return new Failure(plainCodes[status.code] ?? 'bad_gateway', `${service}: ${status.details}`, {
      cause: status.cause,
    })
  return new Failure(said.code, status.details, {
    cause: status.cause,
    faults: said.faults,
    ...(said.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: said.retryAfterSeconds }),
  })
}

/** A failure as the library sends it. */
export type StatusObject = { code: number; details: string; metadata: Metadata }
export type StatusFor = (failure: Failure) => StatusObject
