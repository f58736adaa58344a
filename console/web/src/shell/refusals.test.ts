import assert from 'node:assert/strict'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { errorTable } from '@svyaz/contracts/errors.ts'
import { Refused } from '../live/connection.ts'
import { inEnglish, inRussian } from './refusals.ts'

test('every code that the console can be refused with has Russian words', () => {
  const sources = join(import.meta.dirname, '..', '..', '..', 'bff', 'src')
  const own = globSync('*.ts', { cwd: sources }).flatMap((file) =>
    [...readFileSync(join(sources, file), 'utf8').matchAll(/new Problem\([^,]+, '(\w+)'/g)].map(
      ([, code = '']) => code,
    ),
  )
  assert.ok(own.length > 5)
  for (const code of [...Object.keys(errorTable), ...own, 'unreachable'])
    assert.match(inRussian(new Refused(code, 'it is so')), /^[а-яё][^a-z]*(?:JSON|MC1)?$/, code)
})

test('English has the words of whoever refused', () => {
  assert.equal(inEnglish(new Refused('out_of_stock', 'P-1001: 2 left')), 'P-1001: 2 left')
  assert.equal(inEnglish(new Error('broken')), 'Error: broken')
})

test('what nobody foresaw still says something', () => {
  assert.equal(inRussian(new Refused('418', 'teapot')), 'код 418')
  assert.equal(inRussian(new TypeError('x')), 'что-то сломалось на этой странице')
})
