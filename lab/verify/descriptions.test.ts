import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exportedFunctions } from './descriptions.ts'

const found = (text: string) => exportedFunctions(text).map(({ name, described }) => `${name}${described ? '' : '!'}`)

test('each exported function needs a description of its own', () => {
  assert.deepEqual(
    found(`/** What the file is about. */
import { x } from './x.ts'

/** Adds two numbers. */
export function add(a: number, b: number): number {
  return a + b
}

export function bare(): void {}

/** Described too, over
 * two lines. */
export const twice = (n: number): number => 2 * n

export const typed: (n: number) => number = (n) => n

export const generic = <T extends { a: () => void }>(value: T): T => value

export const long = async (
  one: string,
): Promise<void> => {}

export const short = async (one) => one

export async function* stream() {}
`),
    ['add', 'bare!', 'twice', 'typed!', 'generic!', 'long!', 'short!', 'stream!'],
  )
})

test('what is not an exported function needs none', () => {
  assert.deepEqual(
    found(`const inner = () => 1
function local() {}
export const limits = { a: (n: number) => n }
export const sum = (1 + 2) * 3
export const made = create((x) => x)
export interface Shape { f(): void }
export class Thing {}
export { other } from './other.ts'
`),
    [],
  )
})

test('a function exported in a list is one too; of several signatures the first is described', () => {
  assert.deepEqual(found('function one() {}\nexport { one }\n'), ['one!'])
  assert.deepEqual(found('/** Takes both. */\nexport function f(a: 1): 1\nexport function f(a: 2): 2\n'), ['f'])
})

test('an empty comment, or one that stands apart, describes nothing', () => {
  assert.deepEqual(found('/** */\nexport function f() {}\n'), ['f!'])
  assert.deepEqual(found('/** The whole file. */\n\nexport function f() {}\n'), ['f!'])
  assert.deepEqual(found('/** Takes it out. */\n// biome-ignore a/b: c\nexport const f = () => 1\n'), ['f'])
  assert.deepEqual(found('/** `a://b` becomes another. */\nexport const f = () => 1\n'), ['f'])
  assert.deepEqual(found('// two words\nexport function f() {}\n'), ['f!'])
})
