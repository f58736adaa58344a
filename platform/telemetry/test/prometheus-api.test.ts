/** Prometheus' HTTP API as Grafana's data source and `promtool query` ask it: paths, parameters and forms of the answers. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { startTelemetry, type Telemetry } from '../src/index.ts'

type Answer = {
  readonly status: string
  readonly data?: unknown
  readonly errorType?: string
  readonly error?: string
}

const directory = mkdtempSync(join(tmpdir(), 'telemetry-prometheus-'))
let telemetry: Telemetry
/** Seconds, after the last look. */
let now = 0

before(async () => {
  telemetry = await startTelemetry({ directory, scrapeEveryMs: 0 })
  for (const value of [3, 5]) {
    await push('orders', {
      name: 'queue.length',
      gauge: { dataPoints: [point(value, { queue: 'in' }), point(1, { queue: 'out' })] },
    })
    await push('payments', { name: 'queue.length', gauge: { dataPoints: [point(7, { queue: 'in' })] } })
    await telemetry.look()
  }
  now = (Date.now() + 1) / 1_000
})
after(async () => {
  await telemetry[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true })
})

const keyValues = (labels: Readonly<Record<string, string>>) =>
  Object.entries(labels).map(([key, stringValue]) => ({ key, value: { stringValue } }))
const point = (value: number, labels: Readonly<Record<string, string>>) => ({
  ...{ asInt: String(value), attributes: keyValues(labels) },
})

async function push(service: string, metric: object): Promise<void> {
  const resource = { attributes: keyValues({ 'service.name': service }) }
  const body = JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] })
  const headers = { 'content-type': 'application/json' }
  assert.equal((await fetch(`${telemetry.url}/v1/metrics`, { method: 'POST', headers, body })).status, 200)
}

type Asked = readonly (readonly [name: string, value: string])[]

function formOf(parameters: Asked): URLSearchParams {
  const form = new URLSearchParams()
  for (const [name, value] of parameters) form.append(name, value)
  return form
}

async function asked(path: string, parameters: Asked = [], method = 'GET'): Promise<{ code: number; answer: Answer }> {
  const query = formOf(parameters)
  const answer =
    method === 'POST'
      ? await fetch(`${telemetry.url}/api/v1/${path}`, { method, body: query })
      : await fetch(`${telemetry.url}/api/v1/${path}?${query}`)
  return { code: answer.status, answer: (await answer.json()) as Answer }
}
const data = async (...request: Parameters<typeof asked>) => {
  const { code, answer } = await asked(...request)
  assert.deepEqual([code, answer.status], [200, 'success'], answer.error)
  return answer.data
}
const labels = (service: string, queue: string) => ({
  ...{ __name__: 'queue_length', job: service, service, instance: service, queue },
})

describe('query', () => {
  test('a vector: each element with its labels, time and value as text', async () => {
    const query = [
      ['query', 'sort(queue_length{service="orders"})'],
      ['time', String(now)],
    ] as const
    assert.deepEqual(await data('query', query), {
      resultType: 'vector',
      result: [
        { metric: labels('orders', 'out'), value: [now, '1'] },
        { metric: labels('orders', 'in'), value: [now, '5'] },
      ],
    })
  })

  test('a number, a text, and a range of samples', async () => {
    const time = ['time', String(now)] as const
    assert.deepEqual(await data('query', [['query', '2 * 3'], time]), { resultType: 'scalar', result: [now, '6'] })
    assert.deepEqual(await data('query', [['query', '"text"'], time]), { resultType: 'string', result: [now, 'text'] })
    const matrix = (await data('query', [['query', 'queue_length{service="payments"}[5m]'], time])) as {
      resultType: string
      result: { metric: object; values: [number, string][] }[]
    }
    assert.equal(matrix.resultType, 'matrix')
    assert.deepEqual(matrix.result[0]?.metric, labels('payments', 'in'))
    assert.deepEqual(
      matrix.result[0]?.values.map(([, value]) => value),
      ['7', '7'],
    )
  })

  test('what isn’t a number is written as Prometheus writes it', async () => {
    for (const [query, value] of [
      ['1 / 0', '+Inf'],
      ['-1 / 0', '-Inf'],
      ['0 / 0', 'NaN'],
    ] as const)
      assert.deepEqual(((await data('query', [['query', query]])) as { result: unknown[] }).result[1], value)
  })

  test('times are seconds or RFC 3339; without one it is now', async () => {
    const count = async (time?: string) => {
      const parameters = [['query', 'count(queue_length)'] as const, ...(time ? [['time', time] as const] : [])]
      const { result } = (await data('query', parameters)) as { result: { value: [number, string] }[] }
      return result[0]?.value[1]
    }
    assert.deepEqual(
      [await count(), await count(new Date(now * 1_000).toISOString()), await count('0')],
      ['3', '3', undefined],
    )
  })

  test('a query may be posted as a form', async () => {
    const posted = (await data('query', [['query', 'sum(queue_length)']], 'POST')) as { result: { value: string[] }[] }
    assert.equal(posted.result[0]?.value[1], '13')
    const body = JSON.stringify({ query: '1' })
    const headers = { 'content-type': 'application/json' }
    const wrong = await fetch(`${telemetry.url}/api/v1/query`, { method: 'POST', headers, body })
    assert.equal(wrong.status, 415)
  })
})

describe('query_range', () => {
  const range = (query: string, start: number, end: number, step: string) =>
    [
      ['query', query],
      ['start', String(start)],
      ['end', String(end)],
      ['step', step],
    ] as const

  test('a point a step, both ends included; steps where there is nothing are left out', async () => {
    assert.deepEqual(await data('query_range', range('vector(1)', 100, 160, '30')), {
      resultType: 'matrix',
      result: [{ metric: {}, values: [100, 130, 160].map((at) => [at, '1']) }],
    })
    const found = (await data('query_range', range('sum(queue_length)', now - 600, now, '600s'))) as {
      result: { values: [number, string][] }[]
    }
    assert.deepEqual(found.result[0]?.values, [[now, '13']])
  })

  test('a step is a number of seconds or a duration; the range may be posted', async () => {
    const values = async (step: string, method: string) => {
      const found = await data('query_range', range('time()', 0, 120, step), method)
      return (found as { result: { values: unknown[] }[] }).result[0]?.values.length
    }
    assert.deepEqual([await values('60', 'GET'), await values('1m', 'POST'), await values('0.5', 'GET')], [3, 3, 241])
  })
})

describe('series, labels and metadata', () => {
  test('the label sets of all series that any selector holds for', async () => {
    const both = [
      ['match[]', 'queue_length{queue="out"}'],
      ['match[]', 'queue_length{service="payments"}'],
    ] as const
    assert.deepEqual(await data('series', both), [labels('orders', 'out'), labels('payments', 'in')])
    assert.deepEqual(await data('series', both, 'POST'), [labels('orders', 'out'), labels('payments', 'in')])
    assert.deepEqual(await data('series', [...both, ['start', '0'], ['end', '10']]), [])
  })

  test('names of labels, and the values of one, of everything or of what a selector holds for', async () => {
    const match = ['match[]', '{__name__=~"queue_.*"}'] as const
    assert.deepEqual(await data('labels', [match]), ['__name__', 'instance', 'job', 'queue', 'service'])
    assert.deepEqual(await data('label/queue/values', [match]), ['in', 'out'])
    assert.deepEqual(await data('label/queue/values', []), ['in', 'out'])
    assert.ok(((await data('label/__name__/values')) as string[]).includes('telemetry_exports_total'))
    assert.deepEqual(await data('label/nothing/values', []), [])
  })

  test('metadata of what pages say of themselves, all or of one', async () => {
    assert.deepEqual(await data('metadata', [['metric', 'telemetry_exports_total']]), {
      telemetry_exports_total: [{ type: 'counter', help: 'Exports taken', unit: '' }],
    })
    assert.ok(Object.keys((await data('metadata')) as object).length > 10)
    assert.deepEqual(Object.keys((await data('status/buildinfo')) as object), ['version', 'application'])
  })
})

describe('what is wrong is 400 in Prometheus’ form', () => {
  const wrong: readonly (readonly [path: string, parameters: Asked, error: RegExp])[] = [
    ['query', [], /query/],
    ['query', [['query', 'sum(']], /ends too early/],
    [
      'query',
      [
        ['query', '1'],
        ['time', 'yesterday'],
      ],
      /timestamp/,
    ],
    ['query', [['query', 'a{b=~"("}']], /regular expression/],
    ['query', [['query', 'count_over_time((vector(1))[1y:1ms])']], /steps/],
    [
      'query_range',
      [
        ['query', '1'],
        ['start', '10'],
        ['end', '0'],
        ['step', '1'],
      ],
      /end timestamp/,
    ],
    [
      'query_range',
      [
        ['query', '1'],
        ['start', '0'],
        ['end', '10'],
        ['step', '0'],
      ],
      /zero or negative/,
    ],
    [
      'query_range',
      [
        ['query', '1'],
        ['start', '0'],
        ['end', '1e9'],
        ['step', '1'],
      ],
      /11000 steps/,
    ],
    [
      'query_range',
      [
        ['query', '1'],
        ['start', '0'],
        ['end', '10'],
      ],
      /step/,
    ],
    ['series', [], /match/],
    ['series', [['match[]', 'rate(a[5m])']], /selector/],
    ['labels', [['match[]', '{}']], /matcher/],
    ['label/queue/values', [['start', 'x']], /timestamp/],
  ]
  for (const [path, parameters, error] of wrong)
    test(`${path}?${formOf(parameters)}`, async () => {
      const { code, answer } = await asked(path, parameters)
      assert.deepEqual([code, answer.status, answer.errorType], [400, 'error', 'bad_data'])
      assert.match(String(answer.error), error)
    })
})
