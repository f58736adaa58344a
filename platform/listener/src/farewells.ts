/**
 * Connections that lose their place are told 503 and when to come again. What they have sent is read away for a moment,
 * because closing on unread bytes makes the kernel send a reset, which overtakes the answer (RFC 9112, 9.6). That moment
 * is a place too: a limited number have it, and whoever comes beyond them is answered without it.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { faults, type ListenerFault } from './faults.ts'
import { rawAnswer, type Written } from './raw-answer.ts'

/** How many leave at once, and how long each may take to close its side. */
export const farewellLimits = { atOnceMax: 1_024, lingerMs: 500 } as const

export class Farewells {
  readonly #limits: { readonly atOnceMax: number; readonly lingerMs: number }
  #leaving = 0

  constructor(limits: { readonly atOnceMax: number; readonly lingerMs: number } = farewellLimits) {
    this.#limits = limits
  }

  /** Answers and ends a connection on which no request is under way. */
  say(socket: Socket, write: (fault: ListenerFault) => Written): void {
    // Bytes of an earlier answer must not be mixed with this one, and to an idle connection nobody listens for an answer.
    const answering = (socket as { _httpMessage?: ServerResponse | null })._httpMessage?.headersSent === true
    if (answering || !socket.writable || socket.bytesWritten > 0) return void socket.destroy()
    const { status, code } = faults.crowded
    // First: a request that is told 503 must not be served.
    unheard(socket)
    socket.end(rawAnswer(status, code, write(faults.crowded)))
    if (this.#leaving >= this.#limits.atOnceMax) return void socket.destroySoon()
    this.#leaving++
    const cut = setTimeout(() => socket.destroy(), this.#limits.lingerMs)
    cut.unref()
    socket.once('close', () => {
      clearTimeout(cut)
      this.#leaving--
    })
  }
}

/** Takes the socket's bytes away from the HTTP parser, which reads the handle itself until somebody listens for data. */
function unheard(socket: Socket): void {
  const ignore = (): void => undefined
  socket.on('data', ignore)
  for (const listener of socket.listeners('data')) if (listener !== ignore) socket.off('data', listener as () => void)
  socket.resume()
}
