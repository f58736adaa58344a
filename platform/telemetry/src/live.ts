/**
 * `GET /live`: a WebSocket that pushes what passes along the edges, log lines and health, in groups, twice a second at
 * most, and only while somebody listens. Whoever reads too slowly misses groups; whoever doesn't answer a ping until the
 * next is gone, and its place is free.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { endWith, rawAnswer, writeProblem } from '@svyaz/listener'
import { Problem, parseJson, refuseForeign } from '@svyaz/stage'
import type { WebSocket, WebSocketServer } from 'ws'
import type { Edge, Measured } from './activity/activity.ts'
import { rounded } from './activity/summary.ts'
import type { Sources } from './answers.ts'
import type { LogFollower } from './logs/follow.ts'
import type { LogFilter } from './logs/log-filter.ts'
import { logFilter, Parameters } from './queries.ts'

const groupEveryMs = 500
/** Discovery is asked this often while somebody wants to know. */
const healthEveryMs = 2_000
const wishBytesMax = 4_096
/** For the answer to a good-bye. */
const goodByeMs = 1_000
/** What a listener may leave unread before it misses groups. */
const unreadBytesMax = 1024 * 1024
const linesPerGroupMax = 500
const edgesMax = 2_000

type Passed = Edge & { count: number; errors: number; sumMs: number }

type Listener = {
  readonly socket: WebSocket
  /** Since the last ping it was heard of. */
  isAlive: boolean
  edges: boolean
  health: boolean
  logs: ReturnType<LogFollower['follow']> | undefined
  healthSent: string
}

export class Live {
  readonly #sources: Sources
  readonly #allowedHosts: readonly string[]
  readonly #follower: LogFollower
  readonly #listeners = new Set<Listener>()
  readonly #passed = new Map<string, Passed>()
  #server: Promise<WebSocketServer> | undefined
  #timer: NodeJS.Timeout | undefined
  #pings: NodeJS.Timeout | undefined
  /** On their way to be listeners. */
  #joining = 0
  #health: string | undefined
  #healthAtMs = 0

  constructor(sources: Sources, allowedHosts: readonly string[]) {
    this.#sources = sources
    this.#allowedHosts = allowedHosts
    this.#follower = sources.follower
  }

  /** A listener for the server's `upgrade`. */
  async join(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    this.#joining += 1
    try {
      if (request.url?.split('?', 1)[0] !== '/live')
        throw new Problem(404, 'not_found', 'there is no socket at this path')
      refuseForeign(request, this.#allowedHosts)
      if (this.#listeners.size + this.#joining > this.#sources.limits.listenersMax)
        throw new Problem(503, 'overloaded', 'too many listeners', { headers: { 'retry-after': '5' } })
      this.#server ??= import('ws').then(
        ({ WebSocketServer }) =>
          new WebSocketServer({
            noServer: true,
            maxPayload: wishBytesMax,
            perMessageDeflate: false,
            clientTracking: false,
          }),
      )
      const server = await this.#server
      server.handleUpgrade(request, socket, head, (accepted) => this.#serve(accepted))
    } catch (error) {
      const { status, code, message } = error instanceof Problem ? error : new Problem(500, 'internal', 'it broke here')
      endWith(socket, rawAnswer(status, code, writeProblem({ status, code, detail: message })))
    } finally {
      this.#joining -= 1
    }
  }

  /** Says good-bye to all, and waits for nobody's answer. */
  end(): void {
    for (const { socket } of this.#listeners) {
      socket.close(1001)
      setTimeout(() => socket.terminate(), goodByeMs).unref()
    }
    clearInterval(this.#timer)
    clearInterval(this.#pings)
    this.#follower.end()
  }

  #serve(socket: WebSocket): void {
    const listener: Listener = { socket, isAlive: true, edges: false, health: false, logs: undefined, healthSent: '' }
    this.#listeners.add(listener)
    // After what has come meanwhile was read: we may be the ones who were held up.
    this.#pings ??= setInterval(() => setImmediate(() => this.#ping()), this.#sources.limits.pingEveryMs)
    const isHeard = () => {
      listener.isAlive = true
    }
    socket.on('pong', isHeard)
    socket.on('message', isHeard)
    socket.on('error', () => undefined)
    socket.on('message', (data, isBinary) => {
      try {
        this.#wish(listener, isBinary ? '' : String(data))
      } catch (error) {
        send(socket, { type: 'fault', detail: error instanceof Error ? error.message : String(error) })
      }
    })
    socket.on('close', () => {
      listener.logs?.stop()
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) {
        clearInterval(this.#pings)
        this.#pings = undefined
      }
      this.#goOnOrRest()
    })
  }

  #ping(): void {
    for (const listener of this.#listeners) {
      if (!listener.isAlive) {
        listener.socket.terminate()
        continue
      }
      listener.isAlive = false
      listener.socket.ping()
    }
  }

  #wish(listener: Listener, text: string): void {
    const wish = parseJson(text) as { edges?: unknown; logs?: unknown; health?: unknown } | null
    if (typeof wish !== 'object' || wish === null) throw new Error('a wish is a JSON object')
    const filter = wish.logs === undefined ? undefined : filterOf(wish.logs)
    listener.edges = wish.edges === true
    listener.health = wish.health === true
    listener.healthSent = ''
    listener.logs?.stop()
    listener.logs = filter === undefined ? undefined : this.#follower.follow(filter, linesPerGroupMax)
    this.#goOnOrRest()
  }

  /** Nothing ticks, and nothing is counted, for nobody. */
  #goOnOrRest(): void {
    const someone = [...this.#listeners]
    const isWanted = someone.some(({ edges, health, logs }) => edges || health || logs !== undefined)
    const wantsEdges = someone.some(({ edges }) => edges)
    this.#sources.activity.listen(wantsEdges ? (edge, measured) => this.#pass(edge, measured) : undefined)
    if (!wantsEdges) this.#passed.clear()
    if (isWanted) this.#timer ??= setInterval(() => this.#sendGroups(), groupEveryMs)
    else {
      clearInterval(this.#timer)
      this.#timer = undefined
    }
  }

  #pass(edge: Edge, { durationMs, isError }: Measured): void {
    const key = `${edge.from}\0${edge.to}\0${edge.protocol}`
    const passed = this.#passed.get(key) ?? { ...edge, count: 0, errors: 0, sumMs: 0 }
    passed.count += 1
    if (isError) passed.errors += 1
    passed.sumMs += durationMs
    if (this.#passed.size < edgesMax) this.#passed.set(key, passed)
  }

  #sendGroups(): void {
    const atMs = this.#sources.now()
    const edges = Array.from(this.#passed.values(), ({ sumMs, ...one }) => ({
      ...one,
      meanMs: rounded(sumMs / one.count),
    }))
    this.#passed.clear()
    this.#askHealth(atMs)
    const activity = edges.length === 0 ? undefined : JSON.stringify({ type: 'edges', atMs, edges })
    for (const listener of this.#listeners) {
      const { socket, logs } = listener
      if (socket.bufferedAmount > unreadBytesMax) continue
      if (listener.edges && activity !== undefined) socket.send(activity)
      const group = logs?.take()
      if (group !== undefined) send(socket, { type: 'logs', atMs, ...group })
      if (listener.health && this.#health !== undefined && listener.healthSent !== this.#health) {
        listener.healthSent = this.#health
        socket.send(`{"type":"health","atMs":${atMs},"services":${this.#health}}`)
      }
    }
  }

  #askHealth(atMs: number): void {
    const { instances } = this.#sources
    const isWanted = Iterator.from(this.#listeners).some(({ health }) => health)
    if (!isWanted || instances === undefined || atMs - this.#healthAtMs < healthEveryMs) return
    this.#healthAtMs = atMs
    void instances.health().then((health) => {
      this.#health = JSON.stringify(Array.from(health, ([service, own]) => ({ service, instances: own })))
    })
  }
}

/** @throws Error that says what is wrong */
function filterOf(value: unknown): LogFilter {
  if (typeof value !== 'object' || value === null) throw new Error('logs is an object')
  const asked = new Parameters(
    new URLSearchParams(Object.entries(value).map(([name, one]): [string, string] => [name, String(one)])),
  )
  const filter = logFilter(asked)
  asked.done()
  return filter
}

function send(socket: WebSocket, frame: object): void {
  socket.send(JSON.stringify(frame))
}
