/** The body of an export: JSON, plain or gzip, whose size limit holds before and after decompression. */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { Problem, parseJson, readBody } from '@svyaz/stage'

const gunzipped = promisify(gunzip)

/** @throws Problem that says what the exporter must do otherwise */
export async function readExport(request: IncomingMessage, bytesMax: number): Promise<unknown> {
  const mediaType = (request.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase()
  if (mediaType === 'application/x-protobuf')
    throw new Problem(415, 'protobuf_not_accepted', 'binary protobuf is not accepted: set the exporter to http/json')
  if (mediaType !== 'application/json')
    throw new Problem(415, 'unsupported_media_type', 'the body must be application/json')
  const encoding = (request.headers['content-encoding'] ?? 'identity').toLowerCase()
  if (encoding !== 'identity' && encoding !== 'gzip')
    throw new Problem(415, 'unsupported_encoding', 'Content-Encoding may be gzip', {
      headers: { 'accept-encoding': 'gzip' },
    })
  const body = await readBody(request, bytesMax)
  const plain = encoding === 'gzip' ? await decompress(body, bytesMax) : body
  try {
    return parseJson(plain.toString('utf8'))
  } catch (error) {
    throw new Problem(400, 'malformed_json', (error as SyntaxError).message)
  }
}

async function decompress(body: Buffer, bytesMax: number): Promise<Buffer> {
  try {
    return await gunzipped(body, { maxOutputLength: bytesMax })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE')
      throw new Problem(413, 'body_too_large', `the body may have ${bytesMax} bytes after decompression`)
    throw new Problem(400, 'malformed_gzip', 'the body is not gzip')
  }
}
