/**
 * ApiVersions (key 18): which APIs and versions this broker has.
 *
 * Promises that every listed version is answered, Produce 0–2 excepted (see the table).
 * Versions: 3 is flexible, but its response header never is, and a request of an unknown version is answered with a
 * body of version 0 and UNSUPPORTED_VERSION (KIP-511); dispatch does that, as such a request must not be decoded.
 * Absent: features. Without transaction.version 2 clients keep to the older transaction flow (KIP-890).
 */
import { errorCode } from '../protocol/error-codes.ts'
import { apiVersionsRequest, apiVersionsResponse } from '../protocol/messages/api-versions.ts'
import type { EncodableMessage } from '../protocol/schema.ts'
import { type Api, api } from './api.ts'

/** The row, of a table that holds it: `apis` gives that once it is there. */
export const apiVersionsApi = (apis: () => readonly Api[]): Api =>
  api({
    key: 18,
    name: 'ApiVersions',
    min: 0,
    max: 4,
    scheduling: 'inline',
    request: apiVersionsRequest,
    response: apiVersionsResponse,
    handler: () => offer(apis(), errorCode.NONE),
  })

/** The list with an error code: UNSUPPORTED_VERSION tells the client to come back with a version from the list. */
export function offer(apis: readonly Api[], code: number): EncodableMessage<typeof apiVersionsResponse> {
  return {
    errorCode: code,
    apiKeys: apis.map(({ key, min, max }) => ({ apiKey: key, minVersion: min, maxVersion: max })),
  }
}
