/** A small client for GET: bounded in time and bytes, over connections that stay open. */
import { Agent, get } from 'node:http'

const agent = new Agent({ keepAlive: true, maxSockets: 4, maxFreeSockets: 1, timeout: 60_000 })

/** Closes the connections that stay open. */
export const closeConnections = (): void => agent.destroy()

/** @throws Error for anything but an answer of 200 in time and in size */
export function getText(
  url: string,
  { timeoutMs, bytesMax }: { readonly timeoutMs: number; readonly bytesMax: number },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent, signal: AbortSignal.timeout(timeoutMs) }, (answer) => {
      const pieces: Buffer[] = []
      let bytes = 0
      if (answer.statusCode !== 200) {
        answer.resume()
        return reject(new Error(`${answer.statusCode} is the answer of ${url}`))
      }
      answer.on('data', (piece: Buffer) => {
        bytes += piece.length
        if (bytes > bytesMax) request.destroy(new Error(`the answer of ${url} is longer than ${bytesMax} bytes`))
        else pieces.push(piece)
      })
      answer.on('end', () => resolve(Buffer.concat(pieces).toString('utf8')))
      answer.on('error', reject)
    })
    request.on('error', reject)
  })
}
