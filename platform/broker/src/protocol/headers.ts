/**
 * Request and response headers (KIP-482). A request header of a flexible version has a tag buffer, but its client id
 * stays a string with an int16 length. The response header of ApiVersions never has one, so that a client of any age
 * can read the answer (KIP-511).
 */
import type { Reader, Writer } from './bytes.ts'

export interface RequestHeader {
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
}

/** The part that all versions share; what follows depends on the API and its version. */
export function readRequestHeader(reader: Reader): RequestHeader {
  return { apiKey: reader.int16(), apiVersion: reader.int16(), correlationId: reader.int32() }
}

/** The rest of the header: the client id, and in a flexible version tags, all of which are skipped. */
export function readClientId(reader: Reader, flexible: boolean): string | null {
  const bytes = reader.int16()
  const clientId = bytes < 0 ? null : reader.text(bytes)
  if (flexible) {
    for (let left = reader.unsignedVarint(); left > 0; left--) {
      reader.unsignedVarint()
      reader.skip(reader.unsignedVarint())
    }
  }
  return clientId
}

/** Response header version 0, or 1 with tags (KIP-482). */
export function writeResponseHeader(writer: Writer, correlationId: number, withTags: boolean): void {
  writer.int32(correlationId)
  if (withTags) writer.unsignedVarint(0)
}
