/** `Allow` says what the document says, at every path of it, whether the gateway or a contract behind it decides. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from './gateway-fixture.ts'

type Paths = Record<string, Record<string, { tags: string[] }>>

const sorted = (methods: Iterable<string>) => [...methods].map((method) => method.toUpperCase()).sort()

test('at every path of the document Allow names its methods, HEAD beside GET, and OPTIONS', async () => {
  await using edge = await startGateway({ instances: {}, settings: { addressRequestsPerSecond: 10_000 } })
  const { paths } = (await (await fetch(`${edge.base}/openapi.json`)).json()) as { paths: Paths }
  assert.ok(Object.keys(paths).length > 10)
  for (const [path, operations] of Object.entries(paths)) {
    const answer = await fetch(edge.base + path.replaceAll(/\{\w+\}/g, 'a'), { method: 'OPTIONS' })
    const brings = operations.get && !operations.get.tags.includes('gateway') ? ['HEAD'] : []
    assert.equal(answer.status, 204, path)
    assert.deepEqual(
      sorted(answer.headers.get('allow')?.split(', ') ?? []),
      sorted([...Object.keys(operations), ...brings, 'OPTIONS']),
      path,
    )
  }
})

test('where no contract speaks of a path, Allow is what the route takes', async () => {
  const routes = [{ prefix: '/foreign', methods: ['GET', 'POST'] as const, service: 'foreign', auth: 'none' as const }]
  await using edge = await startGateway({
    instances: {},
    settings: { routes: routes.map(({ methods, ...route }) => ({ ...route, methods: [...methods] })) },
  })
  const answer = await fetch(`${edge.base}/foreign/a`, { method: 'DELETE' })
  assert.equal(answer.status, 405)
  assert.deepEqual(sorted(answer.headers.get('allow')!.split(', ')), ['GET', 'HEAD', 'OPTIONS', 'POST'])
})
