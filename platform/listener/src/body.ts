/** The body of a request as a whole, never more of it than the caller says. */
import type { IncomingMessage } from 'node:http'

/** Why there is no body. */
export class BodyFault extends Error {
  readonly kind: 'too-large' | 'ended-early'

  constructor(kind: BodyFault['kind'], cause?: unknown) {
    super(`the body: ${kind}`, { cause })
    this.kind = kind
  }
}

/**
 * Reads all of it; nothing where the length says beforehand that it is too large. Not by `for await`: leaving such a loop
 * destroys the socket before the refusal is on its way. The rest of what is too large is read away and forgotten: a
 * sender that isn't read from sees a broken connection in place of the refusal. The server's time for a request bounds it.
 *
 * @throws BodyFault
 */
export const gatherBody = async (request: IncomingMessage, bytesMax: number): Promise<Buffer> => {
  if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw new BodyFault('too-large')
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= bytesMax) return void chunks.push(chunk)
      chunks.length = 0
      reject(new BodyFault('too-large'))
    })
    request.on('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)))
    request.on('error', (error) => reject(new BodyFault('ended-early', error)))
    request.on('close', () => reject(new BodyFault('ended-early')))
  })
}
