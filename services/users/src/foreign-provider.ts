/**
 * Another identity provider (Keycloak) in place of our own: its tokens are judged by its introspection (RFC 7662), and
 * its users are found by `identities(issuer, subject)`; who comes for the first time gets a row. Decision 0071.
 */
import { isId } from '@svyaz/contracts/primitives.ts'
import { roles as knownRoles, type Role } from '@svyaz/contracts/vocabulary.ts'
import { Failure } from '@svyaz/kit'
import { z } from 'zod'
import { adopt, setRoles } from './accounts.ts'
import { limits } from './config.ts'
import type { ForeignIntrospection, Introspection, UsersContext } from './context.ts'
import type { UserRow } from './storage.ts'

const discovery = z.object({ issuer: z.url(), introspection_endpoint: z.url() })

const introspection = z.object({
  active: z.boolean(),
  iss: z.string().max(2_000).optional(),
  sub: z.string().min(1).max(255).optional(),
  client_id: z.string().max(255).optional(),
  sid: z.string().optional(),
  exp: z.number().optional(),
  iat: z.number().optional(),
  name: z.string().max(1_000).optional(),
  email: z.string().max(1_000).optional(),
  email_verified: z.boolean().optional(),
  /** Ours: the realm's mapper puts them there. */
  roles: z.array(z.string()).optional(),
})
type Said = z.output<typeof introspection>

export class ForeignProvider implements ForeignIntrospection {
  readonly #url: string
  readonly #credentials: string
  #discovered: Promise<z.output<typeof discovery>> | undefined

  /** @param address the issuer's URL, with the client that may introspect as its user: `https://id:secret@…` */
  constructor(address: string) {
    const url = new URL(address)
    const { username, password } = url
    this.#credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
      'base64',
    )
    url.username = ''
    url.password = ''
    this.#url = url.href.replace(/\/$/, '')
  }

  /** @throws Failure unavailable when the provider could not be asked: never "active" then, and never "inactive" */
  async introspect(context: UsersContext, token: string): Promise<Introspection> {
    const { said, nowMs } = await this.#ask(token)
    const { iss, sub, exp } = said
    if (!said.active || sub === undefined) return { active: false }
    const { issuer } = await this.#discover()
    // Whoever answers for another issuer answers about other people.
    if (iss !== undefined && iss !== issuer) return { active: false }
    const user = await this.#userOf(context, { ...said, iss: issuer, sub })
    if (user.status !== 'active') return { active: false }
    const left = exp === undefined ? undefined : Math.floor(exp - nowMs / 1_000)
    if (left !== undefined && left <= 0) return { active: false }
    return {
      active: true,
      iss: issuer,
      sub: sub.slice(0, 200),
      userId: user.id,
      roles: user.roles as Role[],
      token_type: 'Bearer',
      ...(said.sid !== undefined && isId(said.sid) ? { sid: said.sid } : {}),
      ...(left === undefined ? {} : { exp: Math.floor(exp!), expires_in: left }),
      ...(said.client_id === undefined ? {} : { client_id: said.client_id.slice(0, 200) }),
    }
  }

  /** Its roles are the provider's: what was given or taken there holds here from the next introspection on. */
  async #userOf(context: UsersContext, said: Said & { iss: string; sub: string }): Promise<UserRow> {
    const given = knownRoles.filter((role) => said.roles?.includes(role))
    const wanted: Role[] = given.length === 0 ? ['user'] : given
    const known = await context.database.query
      .selectFrom('identities')
      .innerJoin('users', 'users.id', 'identities.user_id')
      .selectAll('users')
      .where('issuer', '=', said.iss)
      .where('subject', '=', said.sub)
      .executeTakeFirst()
    if (known === undefined)
      return adopt(context, {
        issuer: said.iss,
        subject: said.sub,
        name: said.name,
        // An address that nobody has proven is not anybody's.
        email: said.email_verified === true ? said.email : undefined,
        roles: wanted,
      })
    return wanted.join() === knownRoles.filter((role) => known.roles.includes(role)).join()
      ? known
      : setRoles(context, known.id, wanted, said.iss)
  }

  async #ask(token: string): Promise<{ said: Said; nowMs: number }> {
    const { introspection_endpoint: endpoint } = await this.#discover()
    const response = await this.#fetch(endpoint, {
      method: 'POST',
      headers: { authorization: `Basic ${this.#credentials}`, accept: 'application/json' },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    })
    const said = introspection.safeParse(await response.json().catch(() => undefined))
    if (!said.success) throw away('its answer is none', said.error)
    // Its own clock, by which `exp` is meant.
    const theirs = Date.parse(response.headers.get('date') ?? '')
    return { said: said.data, nowMs: Number.isNaN(theirs) ? Date.now() : theirs }
  }

  #discover(): Promise<z.output<typeof discovery>> {
    this.#discovered ??= this.#fetch(`${this.#url}/.well-known/openid-configuration`, {})
      .then(async (response) => discovery.parse(await response.json()))
      .then((found) => {
        if (found.issuer !== this.#url) throw new Error(`it calls itself ${found.issuer}, not ${this.#url}`)
        return found
      })
      .catch((error: unknown) => {
        this.#discovered = undefined
        throw error instanceof Failure ? error : away('its discovery document is not good', error)
      })
    return this.#discovered
  }

  async #fetch(url: string, init: RequestInit): Promise<Response> {
    try {
      const signal = AbortSignal.timeout(limits.foreignProviderTimeoutMs)
      const response = await fetch(url, { ...init, signal, redirect: 'error' })
      if (response.ok) return response
      throw new Error(`it answered ${response.status}`)
    } catch (error) {
      throw away('it can’t be asked', error)
    }
  }
}

const away = (why: string, cause: unknown) =>
  new Failure('unavailable', `the identity provider: ${why}`, { cause, retryAfterSeconds: 1 })
