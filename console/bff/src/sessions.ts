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

export const cookieName = 'svyaz_console'

export interface Sessions {
  /** The session that a Cookie header names, if there still is one. */
  find(cookie: string | undefined): Session | undefined
  /**
   * @param address of whom it is opened for
   * @throws Problem 503 when all there may be, in all or of this address, are in use
   */
  open(address: string): Session
  /** Set-Cookie of a session. Not `Secure`: the page is served over plain HTTP on loopback. */
  cookie(session: Session): string
  readonly size: number
}

/** @param now milliseconds, monotonic */
export function createSessions(now: () => number, random: (bytes: number) => Buffer = randomBytes): Sessions {
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
      const session = sessions.get(idIn(cookie) ?? '')
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
    cookie: ({ id }) => `${cookieName}=${id}; Path=/; HttpOnly; SameSite=Strict`,
    get size() {
      return sessions.size
    },
  }
}

/** Cookies don't care for ports: another program on this host may have set a cookie of the same name first. */
function idIn(header: string | undefined): string | undefined {
  for (const pair of header?.split(';') ?? []) {
    const [name, value] = pair.trim().split('=', 2)
    if (name === cookieName) return value
  }
  return undefined
}
