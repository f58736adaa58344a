import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pattern } from './pattern.ts'

const holds = (pattern: string, text: string) => new Pattern(pattern).test(text)

describe('a regular expression', () => {
  test('takes no longer than its length times that of the text, whatever it is', () => {
    for (const source of ['(a+)+b', '(a|aa)*c', '(a*)*b', '(?:a?){30}a{30}b', '(x+x+)+y|(.*)*z']) {
      const pattern = new Pattern(source)
      assert.equal(pattern.test('a'.repeat(10_000)), false)
      assert.ok(pattern.work < 10_000 * 400, `${source}: ${pattern.work} steps`)
    }
  })

  test('holds for the whole text or not at all; a dot is any character, a newline too', () => {
    assert.deepEqual(
      [holds('4..', '404'), holds('4..', '4045'), holds('a.b', 'a\nb'), holds('(?-s)a.b', 'a\nb')],
      [...[true, false, true, false]],
    )
    assert.deepEqual([holds('', ''), holds('', 'a'), holds('.*', ''), holds('.', '😀')], [true, false, true, true])
  })

  test('knows what RE2 knows of classes, escapes and flags', () => {
    for (const [pattern, text] of [
      ['[]a]+', 'a]'],
      ['[^]a]', 'b'],
      ['[a-]+', '-a'],
      ['[[:alpha:]_][[:^space:]]*', '_x1'],
      ['[\\d.]+', '1.2'],
      ['\\pL+\\p{Greek}\\P{Lu}\\p{^Lu}', 'xyzαab'],
      ['(?i)HeLLo(?-i) X', 'hEllO X'],
      ['(?i:[^A-C])x', 'dx'],
      ['\\x41\\x{1F600}\\t\\.', 'A😀\t.'],
      ['\\Aab\\z', 'ab'],
      ['^ab$', 'ab'],
      ['a\\b-\\Bb?', 'a-'],
      ['a{2}b{1,2}c{0,}d?', 'aabbcc'],
      ['a{,2}', 'a{,2}'],
      ['(?P<x>a)(?<y>b)', 'ab'],
    ] as const)
      assert.ok(holds(pattern, text), `${pattern} on ${text}`)
    assert.equal(holds('(?i:[^A-C])x', 'bx'), false)
  })

  test('is refused when it looks back or ahead, is not whole, or is too large', () => {
    const wrong = [
      '(a)\\1',
      'a(?=b)',
      '(?<!a)b',
      '(',
      ')',
      '[a',
      '[b-a]',
      'a**',
      '*',
      'a{1001}',
      '\\',
      '\\y',
      '[[:no:]]',
    ]
    for (const source of [...wrong, '\\p{No}x\\p{Nothing}', 'a'.repeat(1_001), '((a{100}){100}){100}', '('.repeat(200)])
      assert.throws(() => new Pattern(source), SyntaxError, source)
  })

  test('gives the parts that its groups have, as a greedy search gives them', () => {
    const pattern = new Pattern('(\\w+?)-(?P<rest>.*)(x)?')
    assert.deepEqual(pattern.exec('ab-cd-x'), ['ab-cd-x', 'ab', 'cd-x', undefined])
    assert.equal(pattern.names[2], 'rest')
    assert.equal(pattern.exec('-'), undefined)
  })
})

/** mulberry32 */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

test('says what JavaScript’s own engine says, of thousands of small expressions', () => {
  const seed = Date.now()
  const random = randomOf(seed)
  const pick = <T>(of: readonly T[]) => of[Math.floor(random() * of.length)] as T
  const made = (depth: number): string => {
    const kind = depth === 0 ? 0 : Math.floor(random() * 6)
    if (kind === 1) return `${made(depth - 1)}|${made(depth - 1)}`
    if (kind === 2) return `${made(depth - 1)}${made(depth - 1)}`
    if (kind === 3) return `(?:${made(depth - 1)})${pick(['*', '+', '?', '*?', '+?', '??', '{2}', '{1,3}', '{0,2}?'])}`
    if (kind === 4) return `(${made(depth - 1)})`
    return pick(['a', 'b', '.', '[ab]', '[^a]', '\\b', 'ab', 'c', ''])
  }
  for (let n = 0; n < 5_000; n += 1) {
    const source = made(3)
    const text = Array.from({ length: Math.floor(random() * 7) }, () => pick(['a', 'b', 'c', ' '])).join('')
    const other = new RegExp(`^(?:${source})$`, 's').exec(text)
    const found = new Pattern(source).exec(text)
    assert.equal(found !== undefined, other !== null, `${source} on ${JSON.stringify(text)}, seed ${seed}`)
  }
})
