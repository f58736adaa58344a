/** What the parts of users share. */
import type { introspectToken } from '@svyaz/contracts/http/users.ts'
import type { ReplyOf } from '@svyaz/contracts/vocabulary.ts'
import type { Context } from '@svyaz/kit'
import type { Settings } from './config.ts'
import type { Passwords } from './passwords.ts'
import type { UsersSchema } from './storage.ts'

/** The name of our own identity provider in `identities` and in introspection answers. */
export const issuer = 'svyaz'

/** What the gateway is told of a token. */
export type Introspection = ReplyOf<typeof introspectToken>

/** Another identity provider, in place of the OpenID provider of this service. */
export interface ForeignIntrospection {
  /** @throws Failure unavailable when the provider could not be asked: never "active" then, and never "inactive" */
  introspect(context: UsersContext, token: string): Promise<Introspection>
}

export type UsersContext = Context<Settings, UsersSchema> & {
  passwords: Passwords
  foreign?: ForeignIntrospection
  /** Told after the commit that every browser of a user was forgotten: the clients it was signed in to end that too. */
  browsersForgotten?: (userId: string) => void
}
