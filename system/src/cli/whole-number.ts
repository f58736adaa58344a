import { UsageError } from './errors.ts'

/** A flag's value as a number; `absent` when it isn't given. */
export function wholeNumber(name: string, value: string | boolean | undefined, absent = 0): number {
  if (value === undefined) return absent
  if (typeof value !== 'string' || !/^\d{1,5}$/.test(value)) {
    throw new UsageError(`--${name} takes a whole number, not "${value}"`)
  }
  return Number(value)
}
