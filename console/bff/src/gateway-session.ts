/**
 * Somebody signed in at the gateway, as any client: asks with the token, signs in when it has ended, knows how far the
 * limit is. The tokens stay in this object.
 */
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import { type Answer, type Asked, ask, open, Unreachable } from './requests.ts'

export class GatewaySession {
  readonly #gateway: string
  readonly #logIn: () => Promise<Tokens>
  readonly #changed: () => void
  #tokens: Tokens | undefined
  #loggingIn: Promise<Tokens> | undefined
  #requestsLeft = 100

  /**
   * @param logIn gives tokens, by whatever credentials there are; called by one at a time
   * @param changed hears of each login
   */
  constructor(gateway: string, logIn: () => Promise<Tokens>, changed: () => void = () => undefined) {
    this.#gateway = gateway
    this.#logIn = logIn
    this.#changed = changed
  }

  get signedIn(): boolean {
    return this.#tokens !== undefined
  }

  /** Requests that the gateway still allows in its present window, as it last said. */
  get requestsLeft(): number {
    return this.#requestsLeft
  }

  /** Those that hold, or those of a new login: one at a time, whoever waits for it. @throws Unreachable */
  async tokens(): Promise<Tokens> {
    if (this.#tokens !== undefined) return this.#tokens
    this.#loggingIn ??= this.#logIn()
      .then((tokens) => {
        this.#tokens = tokens
        this.#changed()
        return tokens
      })
      .finally(() => {
        this.#loggingIn = undefined
      })
    return this.#loggingIn
  }

  /** These are no good any more; without an argument, whatever there is. */
  forget(tokens = this.#tokens): void {
    if (this.#tokens === tokens) this.#tokens = undefined
  }

  /** The header that says who asks. @throws Unreachable as `tokens` does */
  async authorization(): Promise<{ authorization: string }> {
    return bearer(await this.tokens())
  }

  /** Logs in again when the token has ended. @throws Unreachable, also while there is no login yet */
  async ask(asked: Asked): Promise<Answer> {
    const send = (tokens: Tokens) =>
      ask({ url: this.#gateway }, { ...asked, headers: { ...asked.headers, ...bearer(tokens) } })
    const current = await this.tokens()
    let answer = await send(current)
    if (answer.status === 401) {
      this.forget(current)
      answer = await send(await this.tokens())
    }
    const left = /;r=(\d+)/.exec(String(answer.headers.ratelimit ?? ''))?.[1]
    if (left !== undefined) this.#requestsLeft = Number(left)
    return answer
  }

  /** Server-sent events: the data of each, parsed. Ends with the stream. @throws Unreachable */
  async *follow(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const current = await this.tokens()
    const response = await open(
      { url: this.#gateway },
      { path, signal, headers: { ...bearer(current), accept: 'text/event-stream' } },
    )
    if (response.statusCode !== 200) {
      response.resume()
      if (response.statusCode === 401) this.forget(current)
      throw new Unreachable(`GET ${path} answered ${response.statusCode}`, { status: response.statusCode })
    }
    response.setEncoding('utf8')
    let rest = ''
    for await (const chunk of response as AsyncIterable<string>) {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop() ?? ''
      if (rest.length > eventCharsMax) throw new Unreachable(`GET ${path}: an event is too long`)
      for (const event of events) {
        const data = event.split('\n').find((line) => line.startsWith('data: '))
        if (data !== undefined && !event.includes('event: problem')) yield JSON.parse(data.slice(6))
      }
    }
  }
}

const eventCharsMax = 1024 * 1024

/** The header that says who asks. */
export const bearer = ({ accessToken }: Tokens): { authorization: string } => ({
  authorization: `Bearer ${accessToken}`,
})

/**
 * Who may read every order (support or an administrator), for orders of people who aren't ours.
 * @throws Unreachable from whatever is asked, while the gateway refuses the credentials
 */
export const readerSession = (gateway: string, credentials: { email: string; password: string }): GatewaySession =>
  new GatewaySession(gateway, async () => {
    const { status, text } = await ask({ url: gateway }, { method: 'POST', path: '/auth/login', body: credentials })
    if (status !== 200) throw new Unreachable(`POST /auth/login answered ${status}`, { status })
    return JSON.parse(text) as Tokens
  })
