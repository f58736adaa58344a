/** What handlers ask of a caller. Object-level rules stay in the queries; these say only who it is. */
import type { Caller } from '../api.ts'
import { Failure } from '../failure.ts'

export type SignedIn = Caller & { kind: 'user' }

/** The user behind the call. @throws Failure unauthenticated for anyone else */
export const signedIn = (caller: Caller): SignedIn => {
  if (caller.kind !== 'user') throw new Failure('unauthenticated', 'sign in first')
  return caller
}

/** Support and administrators see what belongs to others. */
export const isStaff = (user: Pick<SignedIn, 'roles'>): boolean =>
  user.roles.includes('support') || user.roles.includes('admin')
