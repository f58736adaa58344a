/**
 * ApiVersions (key 18): which APIs and versions this broker has.
 *
 * Promises that every listed version is answered, Produce 0–2 excepted (see the table).
 * Versions: 3 is flexible, but its response header never is, and a request of an unknown version is answered with a
 * body of version 0 and UNSUPPORTED_VERSION (KIP-511); dispatch does that, as such a request must not be decoded.
 * Absent: features. Without transaction.version 2 clients keep to the older transaction flow (KIP-890).
 */
import type { Broker, Caller } from '../broker.ts'
import { errorCode } from '../protocol/error-codes.ts'
import type { apiVersionsRequest, apiVersionsResponse } from '../protocol/messages/api-versions.ts'
import type { DecodedMessage, EncodableMessage } from '../protocol/schema.ts'
import type { Api } from './api.ts'

/** ApiVersions (18): every API with the versions that are answered here. */
export function handleApiVersions(
  apis: readonly Api[],
  _broker: Broker,
  _caller: Caller,
  _request: DecodedMessage<typeof apiVersionsRequest>,
): EncodableMessage<typeof apiVersionsResponse> {
  return offer(apis, errorCode.NONE)
}

/** The list with an error code: UNSUPPORTED_VERSION tells the client to come back with a version from the list. */
export function offer(apis: readonly Api[], code: number): EncodableMessage<typeof apiVersionsResponse> {
  return {
    errorCode: code,
    apiKeys: apis.map(({ key, min, max }) => ({ apiKey: key, minVersion: min, maxVersion: max })),
  }
}
