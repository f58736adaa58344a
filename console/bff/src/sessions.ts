/** Sessions of browsers: an opaque id in a cookie that scripts can't read, and a token for what changes something. */
import { randomBytes } from 'node:crypto'
import { limits } from './limits.ts'

export interface Session {
  readonly id: string
  readonly csrf: string
  usedAtMs: number
}

export const cookieName = 'svyaz_console'

export interface Sessions {
  /** The session that a Cookie header names, if it is still one of ours. */
  find(cookie: string | undefined): Session | undefined
  open(): Session
  /** Set-Cookie of a session. Not `Secure`: the page is served over plain HTTP on loopback. */
  cookie(session: Session): string
  readonly size: number
}

/** @param now milliseconds, monotonic */
export function createSessions(now: () => number, random: (bytes: number) => Buffer = randomBytes): Sessions {
  const sessions = new Map<string, Session>()
  const text = () => random(32).toString('base64url')
  return {
    find(cookie) {
      const session = sessions.get(idIn(cookie) ?? '')
      if (session === undefined) return undefined
      if (now() - session.usedAtMs > limits.sessionIdleMs) {
        sessions.delete(session.id)
        return undefined
      }
      session.usedAtMs = now()
      // Moves to the end: the first of the map is the one that was idle longest.
      sessions.delete(session.id)
      sessions.set(session.id, session)
      return session
    },
    open() {
      const session: Session = { id: text(), csrf: text(), usedAtMs: now() }
      sessions.set(session.id, session)
      const [oldest] = sessions.keys()
      if (sessions.size > limits.sessionsMax && oldest !== undefined) sessions.delete(oldest)
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
