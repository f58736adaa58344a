/** Answers on sockets that have no ServerResponse: no HTTP was read, or the parser has let go of them. */
import type { Duplex } from 'node:stream'
import type { ListenerFault } from './faults.ts'
import { withRetryAfter } from './retry-after.ts'

/** A refusal's body and headers. */
export interface Written {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How refusals look (RFC 9457); services have their own way. */
export function writeProblem({
  status,
  code,
  detail,
}: Omit<ListenerFault, 'code' | 'status'> & { readonly status: number; readonly code: string }): Written {
  return {
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    },
    body: JSON.stringify({ type: 'about:blank', title: code, status, code, detail }),
  }
}

/** The whole answer as HTTP/1.1; the connection ends with it. */
export function rawAnswer(status: number, reason: string, { headers, body }: Written): string {
  const all = {
    ...withRetryAfter(status, headers),
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `HTTP/1.1 ${status} ${reason}\r\n${lines.join('')}\r\n${body}`
}

/** How long a refused peer may take to read why, and to close its side. */
export const lingerMs = 1_000

/**
 * Sends the last bytes of a connection and ends it. What the peer still sends is read for a moment: closing on unread
 * bytes makes the kernel send a reset, which can overtake the answer (RFC 9112, 9.6). A peer that never closes is cut.
 */
export function endWith(socket: Duplex, text: string): void {
  if (!socket.writable) return void socket.destroy()
  socket.end(text)
  socket.resume()
  const cut = setTimeout(() => socket.destroy(), lingerMs)
  cut.unref()
  socket.once('close', () => clearTimeout(cut))
}
