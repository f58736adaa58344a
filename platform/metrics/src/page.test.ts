import assert from 'node:assert/strict'
import { test } from 'node:test'
import { labelsOfKey, readPage } from './page.ts'

function read(page: string) {
  const samples: unknown[] = []
  const about: string[] = []
  readPage(
    page,
    (key, value) => samples.push([labelsOfKey(key), value]),
    (...one) => about.push(one.join(' ')),
  )
  return { samples, about }
}

test('samples with their labels, escaped texts and all forms of numbers', () => {
  const { samples, about } = read(
    '# HELP a What it is.\n# TYPE a counter\na{path="/x\\"y} 1",n="\\\\ \\n"} 3\n\nb 1e3 1700000000000\nc +Inf\nd{} -Inf\ne  NaN',
  )
  assert.deepEqual(samples, [
    [{ __name__: 'a', path: '/x"y} 1', n: '\\ \n' }, 3],
    [{ __name__: 'b' }, 1_000],
    [{ __name__: 'c' }, Infinity],
    [{ __name__: 'd' }, -Infinity],
    [{ __name__: 'e' }, Number.NaN],
  ])
  assert.deepEqual(about, ['a HELP What it is.', 'a TYPE counter'])
})

test('what is not a sample is skipped', () => {
  const { samples } = read('a{x="1\nnonsense\n{x="1"} 2\n<html>\na 1\n')
  assert.deepEqual(samples.at(-1), [{ __name__: 'a' }, 1])
})
