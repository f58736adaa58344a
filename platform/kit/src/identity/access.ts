/** Who may call an HTTP operation: the route's `access` decides, what it does not name is denied. Pure. */
import type { Access } from '@svyaz/contracts/vocabulary.ts'
import type { Caller } from '../api.ts'

/**
 * The caller as the operation sees it, or the code of the refusal. The gateway under its own name and for nobody stands
 * for an anonymous caller, unless the operation is for the gateway itself.
 */
export const admit = (access: Access, caller: Caller): Caller | 'unauthenticated' | 'forbidden' => {
  switch (caller.kind) {
    case 'anonymous':
      return access.anonymous === true ? caller : 'unauthenticated'
    case 'user': {
      const wanted = access.user
      const allowed = wanted === true || (wanted?.some((role) => caller.roles.includes(role)) ?? false)
      // What anybody may do, a signed-in user may do too.
      return allowed || access.anonymous === true ? caller : 'forbidden'
    }
    case 'service': {
      if (access.services?.some((name) => name === '*' || name === caller.service)) return caller
      const forNobody = caller.service === 'gateway' && caller.onBehalfOf === undefined
      if (!forNobody) return 'forbidden'
      return access.anonymous === true ? { kind: 'anonymous' } : 'unauthenticated'
    }
  }
}
