/** What the registry answers to whoever caused an event: done, or one of a closed set of refusals. Texts as Consul's. */

export type Fault = 'unknown service' | 'unknown check' | 'not a TTL check' | 'limit reached'

export type Reply =
  | { readonly ok: true; readonly value: boolean }
  | { readonly ok: false; readonly fault: Fault; readonly text: string }

export const done: Reply = { ok: true, value: true }

/**
 * A command that is refused.
 * @param text for the caller, in Consul's words where clients look at them
 */
export function refuse(fault: Fault, text: string): Reply {
  return { ok: false, fault, text }
}

/** Refuses a command about a service that is not registered. */
export function unknownService(id: string): Reply {
  return refuse(
    'unknown service',
    `Unknown service ID "${id}". Ensure that the service ID is passed, not the service name.`,
  )
}

/** Refuses a command about a check that is not registered. */
export function unknownCheck(id: string): Reply {
  return refuse('unknown check', `Unknown check ID "${id}". Ensure that the check ID is passed, not the check name.`)
}

/** Refuses what would go beyond a limit. */
export function tooMany(what: string, max: number): Reply {
  return refuse('limit reached', `this server keeps at most ${max} ${what}`)
}
