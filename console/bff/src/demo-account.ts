/** The account of a demo user: registered with a generated password, which is kept in a file of this machine's user. */
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Tokens } from '@svyaz/contracts/http/users.ts'
import type { DemoUser } from '../../protocol.ts'
import { type Answer, ask, Unreachable } from './requests.ts'

interface Credentials {
  readonly email: string
  readonly password: string
}

const names: Record<DemoUser, string> = { ada: 'Ada', boris: 'Boris' }

/** Registers once, then signs in with the same credentials whenever it is asked, also after a restart. */
export class DemoAccount {
  readonly #user: DemoUser
  readonly #gateway: string
  readonly #directory: string
  #credentials: Credentials | undefined

  /**
   * @param gateway http://host:port
   * @param directory where the password is kept
   */
  constructor(user: DemoUser, gateway: string, directory: string) {
    this.#user = user
    this.#gateway = gateway
    this.#directory = directory
    this.#credentials = readCredentials(this.#file)
  }

  /** Registers again when the account is gone. @throws Unreachable */
  async logIn(): Promise<Tokens> {
    let answer = await this.#post('/auth/login', this.#credentials ?? (await this.#register()))
    // The database was emptied under us, and the account with it.
    if (answer.status === 401) answer = await this.#post('/auth/login', await this.#register())
    if (answer.status !== 200) throw new Unreachable(`POST /auth/login answered ${answer.status}`)
    return JSON.parse(answer.text) as Tokens
  }

  async #register(): Promise<Credentials> {
    const fresh = {
      email: `${this.#user}.${randomBytes(4).toString('hex')}@console.svyaz.local`,
      password: randomBytes(18).toString('base64url'),
    }
    const { status, text } = await this.#post('/users', { ...fresh, name: names[this.#user] })
    if (status !== 201) throw new Unreachable(`POST /users answered ${status}: ${text.slice(0, 300)}`)
    mkdirSync(this.#directory, { recursive: true, mode: 0o700 })
    writeFileSync(this.#file, JSON.stringify(fresh), { mode: 0o600 })
    chmodSync(this.#file, 0o600)
    this.#credentials = fresh
    return fresh
  }

  get #file(): string {
    return join(this.#directory, `${this.#user}.json`)
  }

  #post(path: string, body: unknown): Promise<Answer> {
    return ask({ url: this.#gateway }, { method: 'POST', path, body })
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
