import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'

const folder = join(import.meta.dirname, '..')

/** Lines that are neither empty nor comment: what one has to write. */
const codeLines = (text: string): number =>
  text.split('\n').filter((line) => !/^\s*(?:$|\/\/|\/\*\*?|\*)/.test(line)).length

test('the service is about a hundred lines, and the README says how many', () => {
  const files = globSync('src/**/*.ts', { cwd: folder })
  assert.ok(files.includes(join('src', 'service.ts')), 'the count must see the service')
  const lines = files.reduce((sum, file) => sum + codeLines(readFileSync(join(folder, file), 'utf8')), 0)
  assert.ok(lines <= 120, `${lines} lines of code, at most 120`)
  const said = /\*\*(\d+) lines of code\*\*/.exec(readFileSync(join(folder, 'README.md'), 'utf8'))?.[1]
  assert.equal(Number(said), lines, 'the number in README.md')
})
