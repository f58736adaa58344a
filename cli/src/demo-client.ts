/** A user of the system's public face: HTTP through the gateway, and the notification stream. */
import {
  bearerSubprotocolPrefix,
  type ServerMessage,
  streamPath,
  subprotocol,
} from '@svyaz/contracts/socket/notifications.ts'
import { within } from '@svyaz/observe/until.ts'
import { localAdmin } from './admin-session.ts'
import { CliError } from './errors.ts'

const untilMs = 30_000

/** Waits for a value. @throws CliError that names what did not come. */
export async function demand<T>(what: string, look: () => Promise<T | undefined>): Promise<T> {
  const seen = await within(look, untilMs, 50)
  if (seen === undefined) throw new CliError(`waited ${untilMs / 1_000} s for ${what}`)
  return seen
}

export class DemoClient {
  readonly #base: string
  #accessToken: string | undefined

  constructor(base: string) {
    this.#base = base
  }

  async signUp(email: string, password: string, name: string): Promise<void> {
    await this.post('/users', { email, password, name })
    await this.logIn(email, password)
  }

  async logIn(email: string, password: string): Promise<void> {
    const { accessToken } = await this.post<{ accessToken: string }>('/auth/login', { email, password })
    this.#accessToken = accessToken
  }

  /** The administrator that the embedded profile puts in place. */
  async asAdmin(): Promise<DemoClient> {
    const admin = new DemoClient(this.#base)
    await admin.logIn(localAdmin.email, localAdmin.password)
    return admin
  }

  get<T>(path: string): Promise<T> {
    return this.#send<T>('GET', path)
  }
  /** With an `idempotencyKey` it may be sent again after an answer that never came. */
  post<T>(path: string, body: unknown, idempotencyKey?: string): Promise<T> {
    return this.#send<T>('POST', path, body, idempotencyKey)
  }
  patch<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PATCH', path, body)
  }
  put<T>(path: string, body: unknown): Promise<T> {
    return this.#send<T>('PUT', path, body)
  }

  /** Opens the notification stream; resolves once it greets. */
  async watch(onMessage: (message: ServerMessage) => void): Promise<{ close(): void }> {
    const socket = new WebSocket(`${this.#base.replace('http', 'ws')}${streamPath}`, [
      subprotocol,
      `${bearerSubprotocolPrefix}${this.#accessToken}`,
    ])
    await new Promise<void>((resolve, reject) => {
      socket.addEventListener('message', ({ data }) => {
        const message = JSON.parse(String(data)) as ServerMessage
        if (message.type === 'hello') resolve()
        else onMessage(message)
      })
      socket.addEventListener('error', () => reject(new CliError('the notification stream could not be opened')))
    })
    return socket
  }

  async #send<T>(method: string, path: string, body?: unknown, idempotencyKey?: string): Promise<T> {
    const response = await fetch(`${this.#base}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(this.#accessToken === undefined ? {} : { authorization: `Bearer ${this.#accessToken}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const answer = (await response.json().catch(() => ({}))) as T & { detail?: string; title?: string }
    if (!response.ok)
      throw new CliError(`${method} ${path} answered ${response.status}: ${answer.detail ?? answer.title ?? ''}`)
    return answer
  }
}
