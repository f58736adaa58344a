/** Answers of HTTP/2 on their way, so that one can see whether they move: the client's windows decide about each stream. */
import { type Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Outgoing } from './unread.ts'

/**
 * What is written at once. Node says that a write has left when all of it has, and all that its session had to send with
 * it: so much of each answer under way has to be read in the time that one may be left unread, however large it is.
 */
export const pieceBytes = 16 * 1024

/** Follows what leaves of a stream. Writes of before are seen only by how many bytes wait. */
export function followOutgoing(stream: ServerHttp2Stream): () => Outgoing {
  let left = 0
  const { _write: write, _writev: writeAll } = stream
  const counted = (done: (error?: Error | null) => void) => (error?: Error | null) => {
    left++
    done(error)
  }
  stream._write = (chunk, encoding, done) => write.call(stream, chunk, encoding, counted(done))
  // None, where an answer has begun in pieces already.
  if (writeAll) stream._writev = (chunks, done) => writeAll.call(stream, chunks, counted(done))
  // Where all bytes have left and the stream is still there, its end has not. Of HEAD, Node ends the answer before it is
  // begun.
  const hasEnded = () => (stream.writableEnded && stream.headersSent) || stream.closed
  return () => ({ left, waiting: stream.writableLength + (hasEnded() ? 1 : 0) })
}

/** A character takes three bytes at most (UTF-16 to UTF-8), so that most text need not be counted. */
const fitsInPiece = (chunk: string | Uint8Array, coding: BufferEncoding): boolean =>
  typeof chunk === 'string'
    ? chunk.length * 3 <= pieceBytes || Buffer.byteLength(chunk, coding) <= pieceBytes
    : chunk.length <= pieceBytes

/** Writes large answers in pieces, each when the one before it has left. */
export class PiecewiseResponse<
  Request extends Http2ServerRequest = Http2ServerRequest,
> extends Http2ServerResponse<Request> {
  override write(
    chunk: string | Uint8Array,
    encoding?: BufferEncoding | ((error: Error) => void),
    done?: (error: Error) => void,
  ): boolean {
    const written = typeof encoding === 'function' ? encoding : done
    const coding = typeof encoding === 'function' ? 'utf8' : (encoding ?? 'utf8')
    if (fitsInPiece(chunk, coding)) return super.write(chunk, coding, written)
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, coding) : chunk
    // Else all that waits would be written at once.
    Object.assign(this.stream, { _writev: null })
    let at = 0
    for (; at + pieceBytes < bytes.length; at += pieceBytes) super.write(bytes.subarray(at, at + pieceBytes), coding)
    return super.write(bytes.subarray(at), coding, written)
  }
}
