import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { serviceLevels } from '../../service-levels.ts'
import { evaluate } from './evaluate.ts'
import { readExpression } from './expression.ts'
import { judgeSeries } from './levels.ts'
import { parsePage, type Scrape } from './scrape.ts'

/** Looks a second apart, each a page of one instance. */
const looks = (...pages: string[]): Scrape[] =>
  pages.map((page, at) => ({ atMs: at * 1_000, samples: parsePage(page, { service: 'orders', instance: 'orders-1' }) }))

const value = (text: string, seen: readonly Scrape[]) =>
  evaluate(readExpression(text), seen).map(({ labels, value: own }) => [labels, own])

describe('a page of metrics', () => {
  test('gives samples with the labels of who was asked; what the page says itself goes before', () => {
    const page = '# TYPE a counter\na{path="/x\\"y",service="users"} 3\nb 1e3\nc +Inf\n'
    assert.deepEqual(parsePage(page, { service: 'orders' }), [
      { name: 'a', labels: { service: 'users', path: '/x"y' }, value: 3 },
      { name: 'b', labels: { service: 'orders' }, value: 1_000 },
      { name: 'c', labels: { service: 'orders' }, value: Infinity },
    ])
  })
})

describe('an expression', () => {
  test('a rate is what a counter grew by a second', () => {
    assert.deepEqual(value('sum (rate(a[5m]))', looks('a 10', 'a 12', 'a 20')), [[{}, 5]])
  })

  test('a counter that fell was restarted: nothing is counted twice, nothing below zero', () => {
    assert.deepEqual(value('sum (increase(a[5m]))', looks('a 10', 'a 12', 'a 3')), [[{}, 5]])
  })

  test('one sample is not a rate', () => assert.deepEqual(value('rate(a[5m])', looks('a 10')), []))

  test('labels are matched: =, !=, and both regular ones over the whole value', () => {
    const seen = looks('a{s="500"} 0\na{s="404"} 0\na{s="4045"} 0', 'a{s="500"} 1\na{s="404"} 2\na{s="4045"} 4')
    const grown = (matcher: string) => value(`sum (increase(a{${matcher}}[5m]))`, seen)[0]![1]
    assert.equal(grown('s="500"'), 1)
    assert.equal(grown('s!="500"'), 6)
    assert.equal(grown('s=~"4.."'), 2)
    assert.equal(grown('s!~"4.."'), 5)
  })

  test('sums and maxima go by labels, in their group', () => {
    const seen = looks('a{x="1",y="1"} 5\na{x="1",y="2"} 7\na{x="2",y="1"} 1')
    assert.deepEqual(value('sum by (x) (a)', seen), [
      [{ x: '1' }, 12],
      [{ x: '2' }, 1],
    ])
    assert.deepEqual(value('max(a)', seen), [[{}, 7]])
  })

  test('division binds before subtraction, comparison after both; a series without a partner falls out', () => {
    const seen = looks('a{x="1"} 8\na{x="2"} 9\nb{x="1"} 2')
    assert.deepEqual(value('sum by (x) (a) / sum by (x) (b)', seen), [[{ x: '1' }, 4]])
    assert.deepEqual(value('10 - 8 / 4', seen), [[{}, 8]])
    assert.deepEqual(value('sum by (x) (a) / 2 > 4', seen), [[{ x: '2' }, 4.5]])
    assert.deepEqual(value('sum by (x) (a) / (sum by (x) (b) > 5)', seen), [])
  })

  test('what is not there is told apart from zero, and `or` fills it in', () => {
    assert.deepEqual(value('sum(nothing)', looks('a 1')), [])
    assert.deepEqual(value('sum(nothing) or vector(0)', looks('a 1')), [[{}, 0]])
    assert.deepEqual(value('sum(a) or vector(0)', looks('a 1')), [[{}, 1]])
    assert.deepEqual(value('clamp_min(sum(a) - 3, 0)', looks('a 1')), [[{}, 0]])
  })

  for (const text of ['avg(a)', 'rate(a)', 'a{x=', 'sum by (x (a)', 'a b', 'avg_over_time((a)[30d:30s])'])
    test(`${text} is refused, not guessed`, () => assert.throws(() => readExpression(text), SyntaxError))
})

describe('the service levels', () => {
  test('each but uptime, which asks for thirty days, can be judged here', () => {
    const unread = serviceLevels.filter((level) => {
      try {
        judgeSeries(level, [])
        return false
      } catch {
        return true
      }
    })
    assert.deepEqual(
      unread.map(({ id }) => id),
      ['uptime'],
    )
  })

  const errors = serviceLevels.find(({ id }) => id === 'gateway-errors')!
  const page = (good: number, bad: number) =>
    ['200', '503']
      .map((status, at) => `http_server_request_duration_seconds_count{status="${status}"} ${[good, bad][at]}`)
      .join('\n')
  const judged = (good: number, bad: number) =>
    judgeSeries(
      errors,
      [page(0, 0), page(good, bad)].map((text, at) => ({
        atMs: at * 1_000,
        samples: parsePage(text, { service: 'gateway', instance: 'gateway-1' }),
      })),
    )

  test('too few samples give no verdict, however good', () => {
    assert.deepEqual(judged(99, 0), [{ of: '', value: 0, samples: 99, verdict: 'no data' }])
  })
  test('within the objective it is met, beyond it missed', () => {
    assert.equal(judged(990, 10)[0]!.verdict, 'met')
    assert.equal(judged(980, 20)[0]!.verdict, 'missed')
  })
})
