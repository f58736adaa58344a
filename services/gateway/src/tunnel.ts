/**
 * Two sockets as one; the client's may be a stream of HTTP/2. Frames are passed on unread; their lengths alone are followed towards the client, so that a Close
 * of our own (1001 at shutdown, 4401 when the token is no good any more) comes between two of them. Upstream simply ends.
 */
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { closeCodes } from '@svyaz/contracts/socket/notifications.ts'
import { gatewayLimits } from './config.ts'
import { closeFrame, createFrameTracker } from './frame-boundary.ts'
import type { EndReason } from './sessions.ts'

const reasons: Record<EndReason, [code: number, text: string]> = {
  blocked: [closeCodes.unauthenticated, 'the user is blocked'],
  'signed-out': [closeCodes.unauthenticated, 'the session has ended'],
  expired: [closeCodes.unauthenticated, 'the access token has expired'],
  'going-away': [closeCodes.goingAway, 'the gateway is going away'],
}

export interface TunnelBounds {
  readonly closeWaitMs: number
  readonly unreadMsMax: number
}

const defaultBounds: TunnelBounds = {
  closeWaitMs: gatewayLimits.sockets.closeWaitMs,
  unreadMsMax: gatewayLimits.unreadMsMax,
}

/** Joins a client with a service until either ends or `end` is called. Back-pressure goes both ways. */
export class Tunnel {
  readonly #client: Duplex
  readonly #bounds: TunnelBounds
  readonly #tracker = createFrameTracker()
  #upstream: Socket | undefined
  #closing: EndReason | undefined
  #unread: NodeJS.Timeout | undefined

  constructor(client: Duplex, bounds = defaultBounds) {
    this.#client = client
    this.#bounds = bounds
  }

  /** Ends it with a Close that says why; before there is a service behind it, the connection simply ends. */
  end(reason: EndReason): void {
    if (this.#closing !== undefined) return
    this.#closing = reason
    const client = this.#client
    if (this.#upstream === undefined) return void client.destroy()
    this.#upstream.unpipe()
    client.unpipe(this.#upstream)
    client.on('data', () => undefined)
    client.on('end', () => client.end())
    if (this.#tracker.atBoundary()) return this.#sayClose(reason)
    // Within a frame: its rest has a moment to come.
    this.#cutAfter(this.#bounds.closeWaitMs)
  }

  /**
   * @param rest what the service sent behind the head of its answer
   * @param head what the client sent behind that of its request
   */
  join(upstream: Socket, rest: Buffer, head: Buffer): void {
    const client = this.#client
    this.#upstream = upstream
    for (const end of [client, upstream]) {
      // A stream shares its connection with others.
      if (!(end instanceof Socket)) continue
      end.setTimeout(0)
      end.setNoDelay(true)
      end.setKeepAlive(true, 30_000)
    }
    upstream.on('error', () => upstream.destroy())
    if (head.length > 0) upstream.write(head)
    if (rest.length > 0) this.#toClient(rest)
    upstream.on('data', (chunk: Buffer) => this.#toClient(chunk))
    client.on('drain', () => this.#read())
    client.pipe(upstream)
    upstream.on('end', () => {
      if (this.#closing === undefined) client.end()
    })
    upstream.on('close', () => this.#upstreamEnded())
    client.on('close', () => {
      clearTimeout(this.#unread)
      endSoon(upstream)
    })
    if (client.destroyed) upstream.destroy()
    if (upstream.destroyed) this.#upstreamEnded()
  }

  #toClient(chunk: Buffer): void {
    if (this.#closing === undefined) {
      this.#tracker.follow(chunk)
      if (!this.#client.write(chunk)) this.#hold()
      return
    }
    this.#client.write(chunk.subarray(0, this.#tracker.follow(chunk, true)))
    if (this.#tracker.atBoundary()) this.#sayClose(this.#closing)
  }

  /** The end of a connection that isn't read from goes unnoticed, so whoever causes that doesn't keep its place by it. */
  #hold(): void {
    this.#upstream?.pause()
    this.#unread ??= this.#cutAfter(this.#bounds.unreadMsMax)
  }

  #read(): void {
    clearTimeout(this.#unread)
    this.#unread = undefined
    this.#upstream?.resume()
  }

  /** The client gets what is on its way. */
  #upstreamEnded(): void {
    if (this.#closing !== undefined) return
    endSoon(this.#client)
    this.#unread ??= this.#cutAfter(this.#bounds.unreadMsMax)
  }

  #sayClose(reason: EndReason): void {
    this.#upstream?.destroy()
    this.#client.write(closeFrame(...reasons[reason]))
    // The client answers with its Close and ends; one that does not is cut off.
    this.#client.resume()
    this.#cutAfter(this.#bounds.closeWaitMs)
  }

  #cutAfter(ms: number): NodeJS.Timeout {
    return setTimeout(() => this.#client.destroy(), ms).unref()
  }
}

/** Ends it when what was written has left. */
const endSoon = (end: Duplex): void => {
  if (end.writableFinished || !end.writable) return void end.destroy()
  end.once('finish', () => end.destroy())
  end.end()
}
