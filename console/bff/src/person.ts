/**
 * One of the two demo users, on the gateway's public API like any client: registered with a generated password, logged
 * in, following the notifications over a WebSocket that is resumed by cursor. The tokens stay in this object.
 */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import type { ServerMessage } from '@svyaz/contracts/socket/notifications.ts'
import type { Log } from '@svyaz/stage'
import WebSocket from 'ws'
import { type DemoUser, keep, type NotificationFrame, type UserState } from '../../protocol.ts'
import { bearer, GatewaySession } from './gateway-session.ts'
import { limits } from './limits.ts'
import { type Answer, type Asked, ask, keepAtIt, Unreachable } from './requests.ts'

/** contracts/socket/notifications.ts says so too; importing it would load its schemas into this process (a test compares). */
export const streamPath = '/notifications/stream'

export interface PersonOptions {
  readonly user: DemoUser
  readonly gateway: string
  /** Where the passwords lie, so that orders are there again after a restart. */
  readonly directory: string
  readonly log: Log
  changed(): void
  notified(frame: NotificationFrame): void
}

interface Credentials {
  readonly email: string
  readonly password: string
}

export interface Person {
  readonly user: DemoUser
  readonly id: string | undefined
  readonly state: UserState
  /** Whether the notifications come in right now. */
  readonly feed: boolean
  readonly notifications: readonly NotificationFrame[]
  /** Requests that the gateway still allows in its present window, as it last said. */
  readonly requestsLeft: number
  /** As this user; logs in again when the token has expired. @throws Unreachable, also while there is no login yet */
  ask(asked: Asked): Promise<Answer>
  /** Server-sent events: the data of each, parsed. Ends with the stream. @throws Unreachable */
  follow(path: string, signal: AbortSignal): AsyncGenerator<unknown>
  run(signal: AbortSignal): Promise<void>
}

const names: Record<DemoUser, string> = { ada: 'Ada', boris: 'Boris' }

/** A demo user: signs in and stays so, keeps the tokens here, and follows the notifications. */
export function createPerson(options: PersonOptions): Person {
  const { user, gateway, log } = options
  const file = join(options.directory, `${user}.json`)
  const notifications: NotificationFrame[] = []
  let credentials = readCredentials(file)
  let userId: string | undefined
  let cursor: number | undefined
  let feed = false

  const session = new GatewaySession(gateway, logIn, options.changed)
  const post = (path: string, body: unknown) => ask({ url: gateway }, { method: 'POST', path, body })

  async function register(): Promise<Credentials> {
    const fresh = {
      email: `${user}.${randomBytes(4).toString('hex')}@console.svyaz.local`,
      password: randomBytes(18).toString('base64url'),
    }
    const { status, text } = await post('/users', { ...fresh, name: names[user] })
    if (status !== 201) throw new Unreachable(`POST /users answered ${status}: ${text.slice(0, 300)}`)
    mkdirSync(options.directory, { recursive: true, mode: 0o700 })
    writeFileSync(file, JSON.stringify(fresh), { mode: 0o600 })
    chmodSync(file, 0o600)
    credentials = fresh
    return fresh
  }

  async function logIn(): Promise<Tokens> {
    let answer = await post('/auth/login', credentials ?? (await register()))
    // The database was emptied under us, and the account with it.
    if (answer.status === 401) answer = await post('/auth/login', await register())
    if (answer.status !== 200) throw new Unreachable(`POST /auth/login answered ${answer.status}`)
    const given = JSON.parse(answer.text) as Tokens
    if (userId !== given.userId) {
      userId = given.userId
      cursor = undefined
      notifications.length = 0
    }
    return given
  }

  /** The last notifications of before, then each as it comes. */
  async function listen(signal: AbortSignal, succeeded: () => void): Promise<void> {
    const current = await session.tokens()
    if (cursor === undefined) await catchUp()
    const address = `${gateway.replace(/^http/, 'ws')}${streamPath}?cursor=${cursor ?? 0}`
    const socket = new WebSocket(address, {
      headers: bearer(current),
      handshakeTimeout: limits.callTimeoutMs,
      maxPayload: 256 * 1024,
      perMessageDeflate: false,
    })
    const { promise: ended, resolve, reject } = Promise.withResolvers<void>()
    const stop = () => socket.terminate()
    signal.addEventListener('abort', stop, { once: true })
    let alive = true
    const pings = setInterval(() => {
      if (!alive) return socket.terminate()
      alive = false
      if (socket.readyState === WebSocket.OPEN) socket.ping()
    }, limits.pingEveryMs)
    socket.on('pong', () => {
      alive = true
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      if (response.statusCode === 401) session.forget(current)
      reject(new Unreachable(`the notification stream answered ${response.statusCode}`))
    })
    socket.on('error', reject)
    socket.on('close', (code) => {
      if (code === 4401) session.forget(current)
      // The frames that we saw last are gone: its database was emptied or set back.
      if (code === 4400) {
        cursor = undefined
        notifications.length = 0
      }
      resolve()
    })
    socket.on('message', (data) => {
      alive = true
      const message = JSON.parse(String(data)) as ServerMessage
      if (message.type === 'hello') {
        succeeded()
        setFeed(true)
      } else if (message.type === 'notification') take(message.data)
    })
    try {
      await ended
    } finally {
      clearInterval(pings)
      signal.removeEventListener('abort', stop)
      socket.terminate()
      setFeed(false)
    }
  }

  function take(frame: NotificationFrame): void {
    if (cursor !== undefined && frame.cursor <= cursor) return
    cursor = frame.cursor
    notifications.push(frame)
    if (notifications.length > keep.notificationsPerUser) notifications.shift()
    options.notified(frame)
  }

  /** `GET /notifications` pages from the oldest: read to the end, keeping the last ones. */
  async function catchUp(): Promise<void> {
    let from = 0
    for (;;) {
      const { status, text } = await session.ask({ path: `/notifications?limit=100&cursor=${from}` })
      if (status !== 200) throw new Unreachable(`GET /notifications answered ${status}`)
      const page = JSON.parse(text) as NotificationFrame[]
      for (const frame of page) take(frame)
      from = page.at(-1)?.cursor ?? from
      if (page.length < 100) break
    }
    cursor ??= from
  }

  function setFeed(on: boolean): void {
    if (feed === on) return
    feed = on
    options.changed()
  }

  return {
    user,
    get id() {
      return userId
    },
    get state() {
      return session.signedIn ? 'ready' : 'waiting'
    },
    get feed() {
      return feed
    },
    notifications,
    get requestsLeft() {
      return session.requestsLeft
    },
    ask: (asked) => session.ask(asked),
    follow: (path, signal) => session.follow(path, signal),
    run: (signal) =>
      keepAtIt(
        (succeeded) => listen(signal, succeeded),
        signal,
        (error) => log('warn', 'notifications do not come in', { user, error: String(error) }),
      ),
  }
}

function readCredentials(file: string): Credentials | undefined {
  try {
    const { email, password } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Credentials>
    return typeof email === 'string' && typeof password === 'string' ? { email, password } : undefined
  } catch {
    return undefined
  }
}
