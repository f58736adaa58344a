/**
 * Which passwords may be set (NIST SP 800-63B-4, 3.1.1.2): any characters, none of the commonest, none that is made of
 * what is known of its user. No rules on kinds of characters: they make passwords worse. Decision 0037.
 */
import { limits } from '@svyaz/contracts/primitives.ts'
import { Failure } from '@svyaz/kit'
import { normalised } from './passwords.ts'

export interface Owner {
  email: string
  name: string
}

/** Letters and digits that have to be left when the user's own words are taken out. */
const ownCharsMin = 6
/** Shorter words are in too many others. */
const wordCharsMin = 3

/** A password has at least this many different characters, however long it is. */
const differentCharsMin = 4
/** One short piece over and over, as `abcdabcd`. */
const repeated = /^(.{1,4})\1+$/u

/** Why this password is refused, in words for its user; undefined when it is good. `common` holds lower-case ones. */
export const weaknessOf = (
  password: string,
  owner: Owner,
  common: (password: string) => boolean,
): string | undefined => {
  const text = normalised(password)
  if ([...text].length < limits.passwordCharsMin) return `at least ${limits.passwordCharsMin} characters`
  const folded = text.toLowerCase()
  const stem = folded.replace(/[^\p{L}]+$/u, '')
  if (common(folded) || common(stem)) return 'this is one of the most common passwords; choose another'
  if (new Set(folded).size < differentCharsMin || repeated.test(folded))
    return 'this repeats the same few characters; choose another'
  return isOwn(folded, owner) ? 'this is made of your own address or name; choose another' : undefined
}

/** Whether little is left without the user's own words, forwards or backwards; what holds none of them is not judged. */
function isOwn(folded: string, owner: Owner): boolean {
  const words = `${owner.email} ${owner.name}`.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []
  const longestFirst = words.filter((word) => word.length >= wordCharsMin).sort((a, b) => b.length - a.length)
  const both = longestFirst.flatMap((word) => [word, [...word].reverse().join('')])
  const rest = both.reduce((left, word) => left.replaceAll(word, ' '), folded)
  return rest !== folded && [...rest.matchAll(/[\p{L}\p{N}]/gu)].length < ownCharsMin
}

/** Loaded with the first password that is set, and kept. */
let list: Promise<string> | undefined

const loadList = async (): Promise<string> => {
  const { commonPasswords } = await import('./generated/common-passwords.ts')
  return ` ${commonPasswords.replaceAll('\n', ' ')} `
}

/**
 * Refuses a weak password.
 *
 * @param pointer the field of the request's body that holds it, as a JSON Pointer
 * @throws Failure weak_password
 */
export const refuseWeakPassword = async (password: string, owner: Owner, pointer: string): Promise<void> => {
  list ??= loadList()
  const common = await list
  const detail = weaknessOf(password, owner, (word) => !word.includes(' ') && common.includes(` ${word} `))
  if (detail !== undefined)
    throw new Failure('weak_password', 'the password is too easy to guess', {
      faults: [{ in: 'body', pointer, detail }],
    })
}
