/**
 * Passwords as argon2id in the PHC string format. Parameters: OWASP Password Storage Cheat Sheet, 19 MiB, two passes,
 * one lane. A hash made with other parameters still verifies: they are read from the string.
 */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { limits } from './config.ts'

const derive = promisify(argon2)
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const

const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

export const hashPassword = async (password: string): Promise<string> => {
  const nonce = randomBytes(16)
  const tag = await fewAtOnce(() => derive('argon2id', { ...parameters, message: password.normalize('NFKC'), nonce }))
  const { memory, passes, parallelism } = parameters
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${base64(nonce)}$${base64(tag)}`
}

/** Compares in constant time; false for a string that is not of this form. */
export const verifyPassword = async (password: string, stored: string): Promise<boolean> => {
  const match = form.exec(stored)
  if (!match) return false
  const [, memory, passes, parallelism, nonce, tag] = match
  const expected = Buffer.from(tag!, 'base64')
  const actual = await fewAtOnce(() =>
    derive('argon2id', {
      message: password.normalize('NFKC'),
      nonce: Buffer.from(nonce!, 'base64'),
      memory: Number(memory),
      passes: Number(passes),
      parallelism: Number(parallelism),
      tagLength: expected.length,
    }),
  )
  return timingSafeEqual(actual, expected)
}

/** Hashing takes memory and a thread: a burst of logins queues here instead of starving the pool. */
let running = 0
const waiting: (() => void)[] = []
const fewAtOnce = async <T>(work: () => Promise<T>): Promise<T> => {
  if (running >= limits.passwordHashesAtOnce) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}
