import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { topics } from '../contracts/index.ts'
import { serviceNames } from '../contracts/vocabulary.ts'
import { grpcMethods } from './docs/grpc.ts'
import { fillRegions } from './docs/regions.ts'
import { transitions } from './docs/saga.ts'
import { shownTests } from './docs/security.ts'
import { callsBetweenServices, callsByAddress, callsOfRoutes, sourceOf, subscriptionsOf } from './docs/source.ts'
import { drift, pages } from './docs.ts'

const root = join(import.meta.dirname, '..')

test('what pages say of the code is what the code says', async () => {
  assert.deepEqual(
    (await drift()).map(([page]) => page),
    [],
    'run: node tools/bootstrap.mjs tools/docs.ts',
  )
})

test('links between pages lead somewhere', () => {
  const broken = pages().flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8').replace(/```[\s\S]*?```/g, '')
    return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target = '']) => target.split('#')[0]!)
      .filter((target) => target !== '' && !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(join(root, dirname(page), target)))
      .map((target) => `${page}: ${target}`)
  })
  assert.deepEqual(broken, [])
})

test('pictures that the README shows are kept, and no others', () => {
  for (const [page, language] of [
    ['README.md', 'en'],
    ['README.ru.md', 'ru'],
  ]) {
    const text = readFileSync(join(root, page!), 'utf8')
    const shown = new Set([...text.matchAll(/\bsrc(?:set)?="docs\/pictures\/([^"]+)"/g)].map(([, name]) => name!))
    const kept = globSync(`*-${language}.webp`, { cwd: join(root, 'docs/pictures') })
    assert.deepEqual([...shown].sort(), kept.sort(), page)
  }
})

test('the indexes of documents lead to every page', () => {
  for (const folder of ['docs', 'docs/ru']) {
    const index = readFileSync(join(root, folder, 'README.md'), 'utf8')
    const unlisted = pages()
      .filter((page) => dirname(page) === folder && !page.endsWith('/README.md'))
      .filter((page) => !index.includes(`](${page.slice(folder.length + 1)})`))
    assert.deepEqual(unlisted, [])
  }
})

test('a Russian page has the sections, tables and pictures of the English one, and each links to the other', () => {
  const count = (text: string, pattern: RegExp) => text.match(pattern)?.length ?? 0
  const shape = (text: string) => [/^## /gm, /^\|--/gm, /^!\[/gm].map((pattern) => count(text, pattern))
  const russian = pages().filter((page) => dirname(page) === 'docs/ru' && !page.endsWith('/README.md'))
  assert.ok(russian.length >= 12)
  for (const page of russian) {
    const name = page.slice('docs/ru/'.length)
    const [own, other] = [page, `docs/${name}`].map((path) => readFileSync(join(root, path), 'utf8'))
    assert.ok(
      own!.includes(`](../${name})`) && other!.includes(`](ru/${name})`),
      `${name}: no way to the other language`,
    )
    assert.deepEqual(shape(own!), shape(other!), `${name}: sections, tables, pictures`)
  }
})

test('every place that reads the wall clock names tests that are there, or why it has none', () => {
  const decision = readFileSync(join(root, 'docs/decisions/0038-clocks-jump.md'), 'utf8')
  const rows = [...decision.matchAll(/^\| ([^|]+) \| [^|]+ \| ([^|]*)\|$/gm)].slice(1)
  assert.ok(rows.length > 15, `${rows.length} rows`)
  for (const [, place, shown = ''] of rows) {
    const named = [...shown.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, path]) => path!)
    assert.ok(named.length > 0 || /^none: \w/.test(shown), `${place} names no test`)
    for (const path of named) assert.ok(existsSync(join(root, path)), `${place}: there is no ${path}`)
  }
})

test('each gRPC method is really called by each service that may call it', () => {
  for (const { method, callers, name } of grpcMethods()) {
    assert.ok(callers.length > 0, `${name} is called by nobody`)
    for (const caller of callers) {
      assert.ok(sourceOf(caller).includes(`.${method}(`), `${caller} does not call ${name}`)
    }
  }
})

test('every place in the sources that opens a connection of its own has its row among the interactions', () => {
  // Calls by name, `http('users')` and `grpc('orders')`, are found wherever they are; what calls in another way is named
  // here with its row, so that a new way or place fails until somebody has written it down.
  const places: Record<string, string> = {
    'console/bff/src/explore-watch.ts': 'console | gateway',
    'console/bff/src/live-tunnels.ts': 'console | telemetry',
    'console/bff/src/notification-stream.ts': 'console | gateway',
    'console/bff/src/race-lanes.ts': 'console | gateway',
    'console/bff/src/sign-in.ts': 'console | gateway',
    'services/gateway/src/forward.ts': 'gateway | orders, ',
    'services/gateway/src/redis/link.ts': 'gateway | Redis | RESP',
    'services/gateway/src/sockets.ts': 'gateway | notifications | WebSocket',
    'services/gateway/src/upstream/connection.ts': 'gateway | orders, ',
    'services/notifications/src/smtp.ts': 'notifications | mail-sink | SMTP',
    'services/payments/src/processor.ts': 'payments | payment-processor | HTTP',
    'services/relay/mc1/link.ts': 'mc1 | mc2 | WebSocket',
    'services/relay/mc3/poster.ts': 'mc3 | mc1 | HTTP',
    'services/users/src/foreign-provider.ts': 'users | Keycloak | HTTP',
    'services/users/src/oidc/provider.ts': 'users | console | HTTP',
  }
  const opening = /\bfetch\(|new KeptHttp\(|\.pick\(|new WebSocket\(|createTransport\(|\brequest\(|\bconnect\(/
  const sources = globSync(['services/*/src/**/*.ts', 'services/relay/mc*/*.ts', 'console/bff/src/**/*.ts'], {
    cwd: root,
    exclude: ['**/*.test.ts'],
  })
  const found = sources.filter((file) => opening.test(readFileSync(join(root, file), 'utf8')))
  assert.deepEqual(found.sort(), Object.keys(places).sort())
  const page = readFileSync(join(root, 'docs/interactions.md'), 'utf8')
  for (const [file, row] of Object.entries(places)) assert.ok(page.includes(`\n| ${row}`), `${file}: ${row}`)
  for (const { from, to, protocol } of [...callsBetweenServices(), ...callsByAddress(), ...callsOfRoutes()]) {
    const row = new RegExp(`^\\| ${from} \\| [^|]*\\b${to}\\b[^|]* \\| ${protocol}`, 'm')
    assert.match(page, row, `${from} → ${to} over ${protocol}`)
  }
})

test('the readers of a topic are the services that subscribe to it', async () => {
  const names = new Map<string, string>()
  for (const { name } of topics) {
    const file = await import(`../contracts/events/${name.split('.')[0]}.ts`)
    for (const [constant, value] of Object.entries(file)) {
      if ((value as { name?: string }).name === name) names.set(constant, name)
    }
  }
  assert.equal(names.size, topics.length)
  for (const service of serviceNames) {
    const subscribed = subscriptionsOf(service).map((constant) => names.get(constant) ?? constant)
    const declared = topics.filter(({ name, readers }) => name !== 'config.events' && readers.includes(service))
    assert.deepEqual(subscribed.sort(), declared.map(({ name }) => name).sort(), service)
  }
})

test('the saga leaves no status without a way on, and nothing leaves a final one', () => {
  const found = transitions()
  const from = new Set(found.map((transition) => transition.from))
  const final = new Set(found.map((transition) => transition.to).filter((status) => !from.has(status)))
  assert.deepEqual([...final].sort(), ['cancelled', 'completed', 'rejected'])
})

test('a region is filled, the rest of the page stays as it is', async () => {
  const page = 'a\n<!-- made by tools/docs.ts: x y -->\nold\n<!-- end -->\nb\n'
  const filled = await fillRegions(page, (kind, argument) => `${kind}=${argument}`)
  assert.equal(filled, 'a\n<!-- made by tools/docs.ts: x y -->\nx=y\n<!-- end -->\nb\n')
})

test('SECURITY.md names the versions of Node that the bootstrap brings', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'tools/node24/package.json'), 'utf8'))
  const page = readFileSync(join(root, 'SECURITY.md'), 'utf8')
  for (const version of Object.values(optionalDependencies)) assert.ok(page.includes(`${version}`), `${version}`)
})

test('every test that the security page names exists under that name', () => {
  const named = shownTests()
  assert.ok(named.length > 20)
  for (const [file, name] of named) {
    const path = join(root, file)
    assert.ok(existsSync(path), `${file} does not exist`)
    assert.ok(readFileSync(path, 'utf8').includes(name), `${file} has no test "${name}"`)
  }
})
