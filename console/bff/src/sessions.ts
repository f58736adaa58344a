/** Sessions of browsers: an opaque id in a cookie that scripts can't read, and a token for what changes something. */
import { randomBytes } from 'node:crypto'
import { Problem } from '@svyaz/stage'
import { limits } from './limits.ts'

export interface Session {
  readonly id: string
  readonly csrf: string
  /** Of whom it was opened for. */
  readonly address: string
  usedAtMs: number
  /** Whether it was ever shown again: anybody may open one, and a program that asks for many never does. */
  used: boolean
}

const plainName = 'svyaz_console'

export interface Sessions {
  /** The session that a Cookie header names, if there still is one. */
  find(cookie: string | undefined): Session | undefined
  /**
   * @param address of whom it is opened for
   * @throws Problem 503 when all there may be, in all or of this address, are in use
   */
  open(address: string): Session
  /** Set-Cookie of a session; `__Host-` where browsers come by TLS, so that no other host or path can have set it. */
  cookie(session: Session): string
  /** It is another's from now on: who has signed in gets an id that nobody could have put there before. */
  close(session: Session): void
  /** Each one that there is. */
  all(): Iterable<Session>
  readonly size: number
}

/**
 * @param now milliseconds, monotonic
 * @param options whether browsers reach the page by TLS
 */
export function createSessions(
  now: () => number,
  { secure = false, random = randomBytes }: { secure?: boolean; random?: (bytes: number) => Buffer } = {},
): Sessions {
  const name = secure ? `__Host-${plainName}` : plainName
  const sessions = new Map<string, Session>()
  const text = () => random(32).toString('base64url')

  /** One of these goes, in the order of their last use: the first that was never shown again, else one long idle. */
  function makeRoom(candidates: readonly Session[]): void {
    const idle = (session: Session) => now() - session.usedAtMs > limits.sessionInUseMs
    const gone = candidates.find((session) => !session.used) ?? candidates.find(idle)
    if (gone === undefined)
      throw new Problem(503, 'overloaded', 'as many sessions as there may be are in use', {
        headers: { 'retry-after': String(limits.sessionRetryAfterSeconds) },
      })
    sessions.delete(gone.id)
  }

  return {
    find(cookie) {
      const session = sessions.get(cookieOf(cookie, name) ?? '')
      if (session === undefined) return undefined
      if (now() - session.usedAtMs > limits.sessionIdleMs) {
        sessions.delete(session.id)
        return undefined
      }
      session.usedAtMs = now()
      session.used = true
      // Moves to the end: the first of the map is the one that was idle longest.
      sessions.delete(session.id)
      sessions.set(session.id, session)
      return session
    },
    open(address) {
      const own = [...sessions.values()].filter((session) => session.address === address)
      if (own.length >= limits.sessionsPerAddressMax) makeRoom(own)
      else if (sessions.size >= limits.sessionsMax) makeRoom([...sessions.values()])
      const session: Session = { id: text(), csrf: text(), address, usedAtMs: now(), used: false }
      sessions.set(session.id, session)
      return session
    },
    cookie: ({ id }) => `${name}=${id}; Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`,
    close: ({ id }) => void sessions.delete(id),
    all: () => sessions.values(),
    get size() {
      return sessions.size
    },
  }
}

/** The value of a cookie. Cookies don't care for ports: another program on this host may have set one of the same name. */
export function cookieOf(header: string | undefined, wanted: string): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === wanted) return value
  }
  return undefined
}
