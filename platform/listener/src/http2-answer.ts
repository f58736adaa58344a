/** Answers of HTTP/2 on their way, so that one can see whether they move: the client's windows decide about each stream. */
import { type Http2ServerRequest, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2'
import type { Outgoing } from './http2-time.ts'

/**
 * What is written at once. Node says that a write has left when all of it has: so much has to be read in the time that
 * an answer may be left unread, however large it is.
 */
export const pieceBytes = 64 * 1024

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
  // Where all bytes have left and the stream is still there, its end has not.
  return () => ({ left, waiting: stream.writableLength + (stream.writableEnded || stream.closed ? 1 : 0) })
}

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
    if (chunk.length <= pieceBytes) return super.write(chunk, coding, written)
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk, coding) : chunk
    // Else all that waits would be written at once.
    Object.assign(this.stream, { _writev: null })
    let at = 0
    for (; at + pieceBytes < bytes.length; at += pieceBytes) super.write(bytes.subarray(at, at + pieceBytes), coding)
    return super.write(bytes.subarray(at), coding, written)
  }
}
