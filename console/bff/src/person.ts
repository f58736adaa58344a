/**
 * One of the two demo users, on the gateway's public API like any client: signed in with its own account, following the
 * notifications over a WebSocket that is resumed by cursor. The tokens stay in this object.
 */
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import type { ServerMessage } from '@svyaz/contracts/socket/notifications.ts'
import type { Log } from '@svyaz/stage'
import type { DemoUser, NotificationFrame, UserState } from '../../protocol.ts'
import { DemoAccount } from './demo-account.ts'
import { GatewaySession } from './gateway-session.ts'
import { Inbox } from './inbox.ts'
import { closedFor, hearNotifications } from './notification-stream.ts'
import { type Answer, type Asked, keepAtIt, Unreachable } from './requests.ts'

export interface PersonOptions {
  readonly user: DemoUser
  readonly gateway: string
  /** Where the passwords are kept, so that orders are there again after a restart. */
  readonly directory: string
  readonly log: Log
  changed(): void
  notified(frame: NotificationFrame): void
}

/** A demo user: signs in and stays so, keeps the tokens here, and follows the notifications. */
export class Person {
  readonly user: DemoUser
  readonly #options: PersonOptions
  readonly #account: DemoAccount
  readonly #session: GatewaySession
  readonly #inbox = new Inbox()
  #id: string | undefined
  #feed = false

  constructor(options: PersonOptions) {
    const { user, gateway, directory } = options
    this.user = user
    this.#options = options
    this.#account = new DemoAccount(user, gateway, directory)
    this.#session = new GatewaySession(
      gateway,
      () => this.#logIn(),
      () => options.changed(),
    )
  }

  get id(): string | undefined {
    return this.#id
  }

  get state(): UserState {
    return this.#session.signedIn ? 'ready' : 'waiting'
  }

  /** Whether the notifications come in right now. */
  get feed(): boolean {
    return this.#feed
  }

  get notifications(): readonly NotificationFrame[] {
    return this.#inbox.frames
  }

  /** Requests that the gateway still allows in its present window, as it last said. */
  get requestsLeft(): number {
    return this.#session.requestsLeft
  }

  /** As this user; logs in again when the token has expired. @throws Unreachable, also while there is no login yet */
  ask(asked: Asked): Promise<Answer> {
    return this.#session.ask(asked)
  }

  /** The header that says that it is this user. @throws Unreachable while there is no login */
  authorization(): Promise<{ authorization: string }> {
    return this.#session.authorization()
  }

  /** Server-sent events: the data of each, parsed. Ends with the stream. @throws Unreachable */
  follow(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    return this.#session.follow(path, signal)
  }

  /** Listens to the notifications until the signal aborts. */
  run(signal: AbortSignal): Promise<void> {
    return keepAtIt(
      (succeeded) => this.#listen(signal, succeeded),
      signal,
      (error) => this.#options.log('warn', 'notifications do not come in', { user: this.user, error: String(error) }),
    )
  }

  async #logIn(): Promise<Tokens> {
    const tokens = await this.#account.logIn()
    if (this.#id !== tokens.userId) {
      this.#id = tokens.userId
      this.#inbox.empty()
    }
    return tokens
  }

  /** The last notifications of before, then each as it comes. */
  async #listen(signal: AbortSignal, succeeded: () => void): Promise<void> {
    const tokens = await this.#session.tokens()
    if (this.#inbox.cursor === undefined) await this.#catchUp()
    const stream = {
      gateway: this.#options.gateway,
      tokens,
      cursor: this.#inbox.cursor ?? 0,
      heard: (message: ServerMessage) => this.#hear(message, succeeded),
    }
    try {
      const code = await hearNotifications(stream, signal)
      if (code === closedFor.token) this.#session.forget(tokens)
      // The frames that we saw last are gone: its database was emptied or set back.
      if (code === closedFor.cursor) this.#inbox.empty()
    } catch (error) {
      if (error instanceof Unreachable && error.status === 401) this.#session.forget(tokens)
      throw error
    } finally {
      this.#setFeed(false)
    }
  }

  #hear(message: ServerMessage, succeeded: () => void): void {
    if (message.type === 'notification') this.#take(message.data)
    if (message.type !== 'hello') return
    succeeded()
    this.#setFeed(true)
  }

  /** `GET /notifications` pages from the oldest: read to the end, keeping the last ones. */
  async #catchUp(): Promise<void> {
    let from = 0
    for (;;) {
      const { status, text } = await this.#session.ask({ path: `/notifications?limit=${pageLength}&cursor=${from}` })
      if (status !== 200) throw new Unreachable(`GET /notifications answered ${status}`)
      const page = JSON.parse(text) as NotificationFrame[]
      for (const frame of page) this.#take(frame)
      from = page.at(-1)?.cursor ?? from
      if (page.length < pageLength) break
    }
    this.#inbox.caughtUp(from)
  }

  #take(frame: NotificationFrame): void {
    if (this.#inbox.take(frame)) this.#options.notified(frame)
  }

  #setFeed(on: boolean): void {
    if (this.#feed === on) return
    this.#feed = on
    this.#options.changed()
  }
}

const pageLength = 100
