/**
 * Passwords as argon2id in the PHC string format. Parameters: OWASP Password Storage Cheat Sheet, 19 MiB, two passes,
 * one lane. A hash made with other parameters still verifies: they are read from the string.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { type Clock, createHandlerSlots, Failure, type Metrics } from '@svyaz/kit'
import { limits } from './config.ts'

export interface Passwords {
  /** @throws Failure unavailable with Retry-After when too many hashes wait already; the reason of `signal` */
  hash(password: string, signal: AbortSignal): Promise<string>
  /**
   * Compares in constant time. False for a string that isn't a hash of ours, and for undefined (there is no such user),
   * which takes as long as a wrong password. Throws as `hash` does.
   */
  verify(password: string, stored: string | undefined, signal: AbortSignal): Promise<boolean>
}

interface HashingBounds {
  atOnceMax: number
  waitingMax: number
  waitMsMax: number
  retryAfterSeconds: number
}

export const derive = promisify(argon2)
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const

const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/**
 * The one spelling of a password that is hashed: OpaqueString (RFC 8265, 4.2), so the same keys give the same hash on
 * every keyboard and system.
 */
export const normalised = (password: string): string => password.replaceAll(/\p{Zs}/gu, ' ').normalize('NFC')

/** What a password may have been hashed as: until decision 0037 it was NFKC, which for nearly all is the same. */
const spellings = (password: string): string[] => [...new Set([normalised(password), password.normalize('NFKC')])]

/**
 * Hashing takes memory and a thread: few at once, a bounded number waits for a bounded time, and whoever has left is
 * no longer worked for. The rest gets 503: a login that is late is repeated by its user, which makes it later still.
 */
export const createPasswords = (
  { clock, metrics }: { clock: Pick<Clock, 'delay'>; metrics: Metrics },
  bounds: HashingBounds = limits.hashing,
  compute = derive,
): Passwords => {
  const slots = createHandlerSlots({ ...bounds, clock })
  const refused = metrics.counter('users_password_hashes_refused_total', 'Passwords not looked at: too many waited')
  const inTurn = async <T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> => {
    try {
      return await slots.use(signal, work)
    } catch (error) {
      if (error instanceof Failure && !signal.aborted) refused.inc()
      throw error
    }
  }
  const hash = (password: string, signal: AbortSignal) => inTurn(signal, () => hashOf(compute, normalised(password)))
  /** What a password is compared with when there is no user. */
  let nobodys: Promise<string> | undefined

  return {
    hash,
    async verify(password, stored, signal) {
      nobodys ??= hashOf(compute, randomBytes(16).toString('hex'))
      const expected = stored ?? (await nobodys)
      for (const spelling of spellings(password)) {
        if (await inTurn(signal, () => isHashOf(compute, expected, spelling))) return stored !== undefined
      }
      return false
    },
  }
}

async function hashOf(compute: typeof derive, message: string): Promise<string> {
  const nonce = randomBytes(16)
  const tag = await compute('argon2id', { ...parameters, message, nonce })
  const { memory, passes, parallelism } = parameters
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`
}

async function isHashOf(compute: typeof derive, stored: string, message: string): Promise<boolean> {
  const match = form.exec(stored)
  if (!match) return false
  const [, memory, passes, parallelism, nonce, tag] = match
  const expected = Buffer.from(tag!, 'base64')
  const actual = await compute('argon2id', {
    message,
    nonce: Buffer.from(nonce!, 'base64'),
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: expected.length,
  })
  return timingSafeEqual(actual, expected)
}
