import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { elementsAt } from '../judge.ts'
import { type Look, lookSource } from '../looks.ts'
import { evaluateRange } from './evaluate.ts'
import { PromqlError, TooManySamples } from './expression.ts'
import { parseExpression } from './parse.ts'

/** Looks ten seconds apart, each a page of one instance; the last is at 0 s. */
const looks = (...pages: string[]): Look[] =>
  pages.map((page, n) => ({
    atMs: 1_000_000 + (n + 1 - pages.length) * 10_000,
    pages: [{ target: { service: 'orders' }, page }],
  }))

const at = (text: string, seen: readonly Look[], laterMs = 0): [string, number][] =>
  elementsAt(text, lookSource(seen), 1_000_000 + laterMs)
    .map(({ labels, value }): [string, number] => [
      Object.entries(labels)
        .filter(([name]) => name !== 'service')
        .sort()
        .map(([name, own]) => `${name}=${own}`)
        .join(' '),
      Number(value.toPrecision(12)),
    ])
    .sort(([a], [b]) => (a < b ? -1 : 1))

const two = looks('a{x="1",y="p"} 5\na{x="1",y="q"} 7\na{x="2",y="p"} 1\nb{x="1"} 2\nb{x="3"} 9')

describe('selectors', () => {
  test('labels are matched: =, !=, and both regular ones over the whole value', () => {
    const seen = looks('a{s="500"} 1\na{s="404"} 2\na{s="4045"} 4')
    const sum = (matcher: string) => at(`sum(a{${matcher}})`, seen)[0]?.[1]
    assert.deepEqual([sum('s="500"'), sum('s!="500"'), sum('s=~"4.."'), sum('s!~"4.."')], [1, 6, 2, 5])
    assert.deepEqual(at('a{nothing=""}', seen).length, 3)
    assert.deepEqual(at('{__name__="a",s=\'404\'}', seen), [['__name__=a s=404', 2]])
  })

  test('a value is good for five minutes, unless its series was looked for and gone', () => {
    assert.equal(at('a', looks('a 1'), 299_999).length, 1)
    assert.equal(at('a', looks('a 1'), 300_000).length, 0)
    assert.equal(at('a', looks('a 1', 'b 1')).length, 0)
    assert.equal(at('a offset 10s', looks('a 1', 'b 1')).length, 1)
    assert.equal(at('a', looks('a 1', 'b 1', 'a 3'))[0]?.[1], 3)
  })

  test('what the page says itself goes before the labels of its target', () => {
    assert.deepEqual(elementsAt('c', lookSource(looks('c{service="users"} 1')), 1_000_000)[0]?.labels, {
      __name__: 'c',
      service: 'users',
    })
  })
})

describe('ranges', () => {
  // 1 a second: ten seconds before the first look the counter would have been at 0.
  const counter = looks('c 10', 'c 20', 'c 30', 'c 40', 'c 50', 'c 60')
  test('rate and increase are stretched to the edges of the window', () => {
    assert.deepEqual(at('rate(c[1m])', counter), [['', 1]])
    assert.deepEqual(at('increase(c[1m])', counter), [['', 60]])
    assert.deepEqual(at('increase(c[25s])', counter), [['', 25]])
    // It begins within the window, so at most half a step is added: and not below zero.
    assert.deepEqual(at('increase(c[5m])', counter), [['', 55]])
    assert.deepEqual(at('increase(c[5m])', looks('c 0', 'c 10')), [['', 10]])
  })

  test('a counter that fell was restarted: nothing is counted twice, nothing below zero', () => {
    assert.deepEqual(at('increase(c[20001ms])', looks('c 10', 'c 12', 'c 3'))[0]?.[1], 5.00025)
    assert.deepEqual(at('resets(c[5m])', looks('c 10', 'c 12', 'c 3'))[0]?.[1], 1)
    assert.deepEqual(at('irate(c[5m])', looks('c 10', 'c 12', 'c 3'))[0]?.[1], 0.3)
  })

  test('one sample is not a rate; the left edge is not within', () => {
    assert.deepEqual(at('rate(c[5m])', looks('c 10')), [])
    assert.deepEqual(at('count_over_time(c[50s])', counter), [['', 5]])
    assert.deepEqual(at('count_over_time(c[50001ms])', counter), [['', 6]])
  })

  test('what a gauge was over time', () => {
    const gauge = looks('g 4', 'g 1', 'g 7')
    for (const [name, wanted] of Object.entries({
      avg: 4,
      min: 1,
      max: 7,
      sum: 12,
      count: 3,
      last: 7,
      stddev: 6 ** 0.5,
    }))
      assert.equal(at(`${name}_over_time(g[1m])`, gauge)[0]?.[1], Number(wanted.toPrecision(12)), name)
    assert.equal(at('quantile_over_time(0.75, g[1m])', gauge)[0]?.[1], 5.5)
    assert.equal(at('deriv(g[1m])', gauge)[0]?.[1], 0.15)
    assert.equal(at('changes(g[1m])', gauge)[0]?.[1], 2)
  })

  test('the mean of ones is one, and a sum keeps what rounding would take', () => {
    const exact = (text: string, ...pages: string[]) =>
      elementsAt(text, lookSource(looks(...pages)), 1_000_000)[0]?.value
    const ones = Array.from({ length: 49 }, () => 'g 1')
    assert.equal(exact('avg_over_time(g[1h])', ...ones), 1)
    assert.equal(exact('stddev_over_time(g[1h])', ...ones), 0)
    assert.equal(exact('sum_over_time(g[1m])', 'g 1e16', 'g 1', 'g -1e16'), 1)
    assert.equal(exact('avg(g)', 'g{n="1"} 1e308\ng{n="2"} 1e308'), 1e308)
    assert.equal(exact('max_over_time(g[1h])', 'g NaN', 'g 3'), 3)
  })

  test('a subquery goes in steps of its own', () => {
    assert.deepEqual(at('max_over_time((sum(rate(c[20s])))[40s:10s])', counter), [['', 1]])
    assert.deepEqual(at('avg_over_time((max(up))[30d:30s])', looks('up 0', 'up 1', 'up 1', 'up 1')), [['', 1]])
    assert.deepEqual(at('count_over_time((vector(1))[1m:10s])', []), [['', 6]])
  })

  test('a range is a row of moments', () => {
    const series = evaluateRange(parseExpression('c > 25'), lookSource(counter), 950_000, 1_000_000, 10_000)
    assert.deepEqual(
      series.map(({ points }) => points),
      [
        [
          [970_000, 30],
          [980_000, 40],
          [990_000, 50],
          [1_000_000, 60],
        ],
      ],
    )
    assert.throws(() => evaluateRange(parseExpression('c'), lookSource([]), 0, 11_000, 1), PromqlError)
  })
})

describe('operators', () => {
  test('precedence, signs and powers', () => {
    assert.deepEqual(at('10 - 8 / 4', []), [['', 8]])
    assert.deepEqual(at('-2 ^ 2', []), [['', -4]])
    assert.deepEqual(at('2 ^ 3 ^ 2', []), [['', 512]])
    assert.deepEqual(at('7 % 4 + 1 # a remark', []), [['', 4]])
    assert.deepEqual(at('vector(1 > bool 2) or vector(3) == 3', two), [['', 0]])
  })

  test('elements meet by their labels; one without a partner falls out', () => {
    assert.deepEqual(at('sum by (x) (a) / on (x) b', two), [['x=1', 6]])
    assert.deepEqual(at('a * on (x) group_left b', two), [
      ['x=1 y=p', 10],
      ['x=1 y=q', 14],
    ])
    assert.deepEqual(at('b * on (x) group_right a', two).length, 2)
    assert.deepEqual(at('sum by (x) (a) > 4', two), [['x=1', 12]])
    assert.deepEqual(at('sum by (x) (a) > bool 4', two), [
      ['x=1', 1],
      ['x=2', 0],
    ])
    assert.throws(() => at('a * on (x) b', two), /group_left/)
  })

  test('sets', () => {
    assert.deepEqual(at('b unless on (x) a', two), [['__name__=b x=3', 9]])
    assert.deepEqual(at('b and on (x) a', two), [['__name__=b x=1', 2]])
    assert.deepEqual(at('sum(nothing) or vector(0)', two), [['', 0]])
    assert.deepEqual(at('sum(b) or vector(0)', two), [['', 11]])
  })
})

describe('aggregations and functions', () => {
  test('by, without, with a parameter', () => {
    assert.deepEqual(at('sum by (x) (a)', two), [
      ['x=1', 12],
      ['x=2', 1],
    ])
    assert.deepEqual(at('max without (x) (a)', two), [
      ['y=p', 5],
      ['y=q', 7],
    ])
    assert.deepEqual(at('count(a)', two), [['', 3]])
    assert.deepEqual(at('topk(1, a)', two), [['__name__=a x=1 y=q', 7]])
    assert.deepEqual(at('bottomk by (x) (1, a)', two).length, 2)
    assert.deepEqual(at('quantile(0.5, a)', two), [['', 5]])
  })

  test('quantiles of a histogram', () => {
    const seen = looks('h_bucket{le="0.1"} 10\nh_bucket{le="0.5"} 30\nh_bucket{le="1"} 40\nh_bucket{le="+Inf"} 40')
    assert.equal(at('histogram_quantile(0.5, h_bucket)', seen)[0]?.[1], 0.3)
    assert.equal(at('histogram_quantile(0.1, h_bucket)', seen)[0]?.[1], 0.04)
    assert.equal(at('histogram_quantile(1, h_bucket)', seen)[0]?.[1], 1)
    assert.equal(at('histogram_quantile(2, h_bucket)', seen)[0]?.[1], Infinity)
  })

  test('the others', () => {
    assert.deepEqual(at('clamp_min(sum(a) - 20, 0)', two), [['', 0]])
    assert.deepEqual(at('absent(nothing{x="7",y=~"a"})', two), [['x=7', 1]])
    assert.deepEqual(at('absent(a)', two), [])
    assert.deepEqual(at('scalar(sum(a)) * 2', two), [['', 26]])
    assert.deepEqual(at('round(vector(2.34), 0.1)', two), [['', 2.3]])
    assert.deepEqual(at('label_replace(b{x="1"}, "z", "$1-é", "x", "(.*)")', two), [['__name__=b x=1 z=1-é', 2]])
    assert.deepEqual(at('time()', two), [['', 1_000]])
    assert.deepEqual(at('timestamp(b{x="1"})', two, 3_000), [['x=1', 1_000]])
  })
})

describe('what would take too long, or too much memory, is refused at once', () => {
  const endless = {
    'a subquery of a year in milliseconds': 'count_over_time((vector(1))[1y:1ms])',
    'subqueries of subqueries': 'sum_over_time((sum_over_time((vector(1))[1h:1s]))[1h:1s])',
    'a step of nothing': 'count_over_time((vector(1))[1m:0s])',
    'a range of nothing': 'rate(a[0s])',
    'a range that is no number': `rate(a[${'9'.repeat(400)}y])`,
    'a thousand signs': `${'-'.repeat(9_000)}1`,
    'a thousand operands': `1${' + 1'.repeat(2_400)}`,
    'remarks before nothing that is known': `${'#\n'.repeat(4_000)}?`,
    'a regular expression that looks back': 'a{x=~"(.)\\\\1"}',
  }
  for (const [what, text] of Object.entries(endless)) test(what, () => assert.throws(() => at(text, two), PromqlError))

  test('a regular expression that others need centuries for is simply answered', () => {
    assert.deepEqual(at(`a{x=~"(1+)+${'a?'.repeat(400)}b"}`, looks(`a{x="${'1'.repeat(5_000)}"} 1`)), [])
  })

  test('a range so far away that a step more is the same number has an end', () => {
    assert.equal(evaluateRange(parseExpression('vector(1)'), lookSource([]), 1e21, 1e21, 1)[0]?.points.length, 1)
    assert.throws(() => evaluateRange(parseExpression('vector(1)'), lookSource([]), 0, Number.NaN, 1), PromqlError)
  })

  test('samples are held for an answer up to a bound, over all selectors', () => {
    const many = { labels: {}, times: new Array<number>(1_100_000).fill(1), values: [], gaps: [] }
    assert.throws(() => elementsAt('sum(a) + sum(b)', { select: () => [many] }, 1), TooManySamples)
  })
})

describe('what is refused', () => {
  const wrong = [
    'avg(',
    'rate(a)',
    'a{x=',
    'sum by (x (a)',
    'a b',
    'abs(a[5m])',
    'a[5m]',
    'nobody(a)',
    '{}',
    'a{x=~"("}',
  ]
  for (const text of [...wrong, '(a)[5m]', '"x" + 1', '1 > 2', 'sum(1)', '('.repeat(100), 'a'.repeat(20_000)])
    test(text.slice(0, 40), () => assert.throws(() => at(text, two), PromqlError))
})
