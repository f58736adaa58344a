/**
 * Who may operate the system from a page: whoever has signed in and has the role, by the gateway's word of this moment.
 * Where the console can be reached from this machine alone, nobody needs to sign in (decision 0070); who did is named
 * in the log all the same.
 */
import { Problem } from '@svyaz/stage'
import type { SignedOut } from './logout-token.ts'
import type { Session } from './sessions.ts'
import type { Operator, SignIn, Tokens } from './sign-in.ts'

/** Kills, pauses, scales: an administrator's. */
const operatorRole = 'admin'

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', 'localhost'])

/**
 * Whether an action needs somebody who has signed in.
 *
 * @param wanted `required`, `offered`, or empty: by the address that it listens on
 * @throws Error for any other word
 */
export const isSignInRequired = (wanted: string, host: string): boolean => {
  if (wanted === '') return !loopback.has(host)
  if (wanted === 'required' || wanted === 'offered') return wanted === 'required'
  throw new Error(`--sign-in is required or offered, not ${wanted}`)
}

interface SignedIn {
  tokens: Tokens
  operator: Operator
}

export class Operators {
  readonly #signIn: SignIn
  readonly #required: boolean
  /** By session of a browser, and gone with it. */
  readonly #bySession = new WeakMap<Session, SignedIn>()
  readonly #refreshing = new WeakMap<Session, Promise<Operator | undefined>>()

  /** @param required whether an action needs somebody with the role */
  constructor(signIn: SignIn, { required }: { required: boolean }) {
    this.#signIn = signIn
    this.#required = required
  }

  get required(): boolean {
    return this.#required
  }

  /** Who has signed in with this session, as it was known last. */
  known(session: Session): Operator | undefined {
    return this.#bySession.get(session)?.operator
  }

  /** With which the gateway knows who signed in with this session; undefined for nobody. */
  tokensOf(session: Session): Tokens | undefined {
    return this.#bySession.get(session)?.tokens
  }

  /** @throws Problem when the tokens are nobody's */
  async enter(session: Session, tokens: Tokens): Promise<Operator> {
    const operator = await this.#signIn.whoIs(tokens)
    if (operator === undefined) throw new Problem(400, 'sign_in_failed', 'the gateway does not take these tokens')
    this.#bySession.set(session, { tokens, operator })
    return operator
  }

  /** Forgets who it was, and ends the session at the provider. @returns where the browser goes to sign out there */
  async leave(session: Session): Promise<string | undefined> {
    const signedIn = this.#bySession.get(session)
    this.#bySession.delete(session)
    return signedIn && this.#signIn.end(signedIn.tokens)
  }

  /** Forgets whoever has signed out at the provider: of one of its sessions, or of each that the user has. @returns how many */
  signedOutElsewhere(sessions: Iterable<Session>, { subject, sid }: Pick<SignedOut, 'subject' | 'sid'>): number {
    let ended = 0
    for (const session of sessions) {
      const tokens = this.#bySession.get(session)?.tokens
      if (tokens === undefined) continue
      // Both, where both are named: a session of somebody else is not meant.
      if (sid !== undefined && tokens.sid !== sid) continue
      if (subject !== undefined && tokens.subject !== subject) continue
      this.#bySession.delete(session)
      ended += 1
    }
    return ended
  }

  /**
   * Before an action: asks the gateway again, so that a role that was taken, a block and a logout hold at once.
   *
   * @returns how the log names who asked
   * @throws Problem 401 sign_in_needed, 403 role_needed; Unreachable
   */
  async admit(session: Session): Promise<string> {
    const operator = await this.#current(session)
    if (this.#required && operator === undefined) throw new Problem(401, 'sign_in_needed', 'sign in to do this')
    if (this.#required && !operator?.roles.includes(operatorRole))
      throw new Problem(403, 'role_needed', `this is for the role ${operatorRole}`)
    return operator?.userId ?? 'whoever is at this machine'
  }

  /** One question at a time for a session: its refresh token is good once. */
  #current(session: Session): Promise<Operator | undefined> {
    const underWay = this.#refreshing.get(session)
    if (underWay !== undefined) return underWay
    const asked = this.#ask(session).finally(() => this.#refreshing.delete(session))
    this.#refreshing.set(session, asked)
    return asked
  }

  async #ask(session: Session): Promise<Operator | undefined> {
    const signedIn = this.#bySession.get(session)
    if (signedIn === undefined) return undefined
    let { tokens } = signedIn
    let operator = await this.#signIn.whoIs(tokens)
    if (operator === undefined) {
      const renewed = await this.#signIn.refresh(tokens)
      if (renewed !== undefined) {
        tokens = renewed
        operator = await this.#signIn.whoIs(tokens)
      }
    }
    // It may have been ended while the provider was asked.
    if (operator === undefined || this.#bySession.get(session) !== signedIn) {
      this.#bySession.delete(session)
      throw new Problem(401, 'sign_in_needed', 'your session has ended: sign in again')
    }
    this.#bySession.set(session, { tokens, operator })
    return operator
  }
}
