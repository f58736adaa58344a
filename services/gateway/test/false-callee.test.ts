/**
 * Somebody who can reach discovery registers as `users`, in every way that there is: nothing that is meant for users may
 * reach them, no password and no token, by the gateway or by the kit's own clients (reliability rule 24).
 */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { introspectToken } from '@svyaz/contracts/http/users.ts'
import { type Discovery, startDiscovery } from '@svyaz/discovery'
import { createDiscoveryClient, type RunningDiscoveryClient } from '../../../platform/kit/src/calls/discovery-client.ts'
import { signRegistration } from '../../../platform/kit/src/calls/signed-registration.ts'
import { createHttpClients, type HttpClients } from '../../../platform/kit/src/http/client.ts'
import { createSigner } from '../../../platform/kit/src/identity/identity.ts'
import { createKeySet } from '../../../platform/kit/src/identity/key-set.ts'
import { readOwnKey } from '../../../platform/kit/src/identity/own-key.ts'
import { type TestCore, testCore, until } from '../../../platform/kit/test/core-fixture.ts'
import { createKeys, type Keys } from '../../../platform/kit/test/key-fixture.ts'
import { introspectAtUsers } from '../src/identity-provider.ts'
import { alice, bearer, startGateway, startUpstream, type TestGateway, type Upstream } from './gateway-fixture.ts'

let folder: string
let keys: Keys
let discovery: Discovery
let real: Upstream
let fake: Upstream
let foreign: Upstream
let users: RunningDiscoveryClient
let core: TestCore
let finder: RunningDiscoveryClient
let http: HttpClients
let edge: TestGateway

const coreOf = (service: string) =>
  testCore({
    service,
    instance: `${service}-1`,
    home: join(folder, service),
    discoveryUrl: discovery.url,
    keyFile: keys.keyFile(service),
    jwksFile: keys.jwksFile,
  })
const clientOf = async (own: TestCore) =>
  createDiscoveryClient(own, { key: await readOwnKey(own), keySet: createKeySet(own) })
/** As anybody would: a passing registration of any name, with this `Meta`. */
const register = async (name: string, id: string, port: number, meta: Record<string, string>) => {
  const body = { ID: id, Name: name, Address: '127.0.0.1', Port: port, Meta: { http: String(port), ...meta } }
  const url = `${discovery.url}/v1/agent/service/register`
  assert.equal((await fetch(url, { method: 'PUT', body: JSON.stringify(body) })).status, 200)
}

/** In each of the ways that there are. */
const registerFalseOnes = async () => {
  await register('users', 'users-2', fake.port, {})
  const own = (await (await fetch(`${discovery.url}/v1/agent/service/users-1`)).json()) as {
    Meta: { signed: string }
  }
  await register('users', 'users-3', fake.port, { signed: own.Meta.signed })
  const claim = { service: 'users', host: '127.0.0.1', ports: { http: fake.port } }
  const issuedAt = Math.floor(Date.now() / 1000)
  const orders = await readOwnKey(coreOf('orders'))
  await register('users', 'users-4', fake.port, {
    signed: signRegistration(orders, { ...claim, id: 'users-4', issuedAt }),
  })
  const stranger = { keyId: 'users-1', key: generateKeyPairSync('ed25519').privateKey }
  await register('users', 'users-5', fake.port, {
    signed: signRegistration(stranger, { ...claim, id: 'users-5', issuedAt }),
  })
  await register('users', 'users-6', fake.port, {
    signed: signRegistration({ ...stranger, keyId: 'users-99' }, { ...claim, id: 'users-6', issuedAt }),
  })
  const usersKey = await readOwnKey(coreOf('users'))
  await register('users', 'users-7', fake.port, {
    signed: signRegistration(usersKey, { ...claim, id: 'users-7', issuedAt: issuedAt - 2 * 86_400 }),
  })
  await register('users', 'users-8', fake.port, { signed: 'none' })
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'svyaz-false-'))
  keys = await createKeys('gateway', 'users', 'orders')
  discovery = await startDiscovery({ port: 0, directory: join(folder, 'discovery') })
  const active = { active: true, userId: alice.userId, roles: ['user'] }
  real = await startUpstream('users-1', (request, response, body) => {
    response.setHeader('content-type', 'application/json')
    const known = request.url !== '/oauth2/introspect' || body.includes('good')
    response.end(JSON.stringify(known ? active : { active: false }))
  })
  fake = await startUpstream('users-9', (_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ ...active, roles: ['admin'] }))
  })
  foreign = await startUpstream('weather-1')
  users = await clientOf(coreOf('users'))
  await users.register({ http: real.port })

  await registerFalseOnes()
  await register('weather', 'weather-1', foreign.port, {})

  core = coreOf('gateway')
  finder = await clientOf(core)
  http = createHttpClients(core, { discovery: finder, signer: await createSigner(core) })
  edge = await startGateway({
    discovery: finder,
    parts: { introspect: introspectAtUsers({ http, clock: core.clock }) },
    routes: [
      { prefix: '/auth', service: 'users', auth: 'none' },
      { prefix: '/users', service: 'users', auth: 'required' },
      { prefix: '/weather', service: 'weather', auth: 'none', unsigned: true },
      { prefix: '/climate', service: 'weather', auth: 'none' },
    ],
  })
  await finder.watch('users')
  await until(
    'all registrations were judged',
    () => (core.gauged('discovery_untrusted', { service: 'users' }) ?? 0) >= 7,
  )
})
after(async () => {
  await edge[Symbol.asyncDispose]()
  for (const part of [http, finder, users, discovery, real, fake, foreign, keys]) await part[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, force: true })
})

test('a false users service is reached by none of 64 requests through the gateway: no password, no token', async () => {
  const statuses = new Map<string, number>()
  const count = (what: string) => statuses.set(what, (statuses.get(what) ?? 0) + 1)
  await Promise.all(
    Array.from({ length: 64 }, async (_, turn) => {
      if (turn % 2 === 0) {
        const answer = await fetch(`${edge.base}/auth/login`, { method: 'POST', body: '{"password":"secret"}' })
        count(`login ${answer.status}`)
        return answer.text()
      }
      const answer = await fetch(`${edge.base}/users/me`, { headers: bearer(`invented-${turn}`) })
      count(`invented ${answer.status}`)
      return answer.text()
    }),
  )
  assert.deepEqual(Object.fromEntries(statuses), { 'login 200': 32, 'invented 401': 32 })
  assert.equal(fake.seen.length, 0)
  assert.equal(real.seen.filter(({ url }) => url === '/auth/login').length, 32)
})

test("a false users service is reached by none of 64 calls of the kit's client", async () => {
  const calls = Array.from({ length: 64 }, () => http('users').call(introspectToken, { body: { token: 'invented' } }))
  for (const { body } of await Promise.all(calls)) assert.equal(body.active, false)
  assert.equal(fake.seen.length, 0)
})

test('a false users service is told of once for each registration, with the reason, and counted', async () => {
  const told = core.logs.filter(({ message }) => message.includes('did not sign'))
  const reasons = told.map(({ fields }) => (fields as { reason: string }).reason).sort()
  assert.deepEqual(reasons, [
    'altered',
    'malformed',
    'out-of-date',
    'unknown-key',
    'unsigned',
    'wrong-signature',
    'wrong-signature',
  ])
  assert.equal(core.counted('discovery_untrusted_total', { service: 'users' }), 7)
  assert.equal(core.gauged('discovery_instances', { service: 'users' }), 1)
})

test('a false users service is not called either when the real one is gone', async () => {
  await users.deregister()
  await until('the real one is doubted', () => core.gauged('discovery_doubted', { service: 'users' }) === 1)
  await fetch(`${edge.base}/auth/login`, { method: 'POST', body: '{}' }).then((answer) => answer.text())
  assert.equal(fake.seen.length, 0)
})

test('a false users service a foreign service is called where its route says that it signs nothing, and nowhere else', async () => {
  const answer = await fetch(`${edge.base}/weather`)
  assert.deepEqual([answer.status, await answer.json()], [200, { from: 'weather-1' }])
  const refused = await fetch(`${edge.base}/climate`)
  await refused.text()
  assert.equal(refused.status, 503)
  assert.equal(foreign.seen.length, 1)
})

test('a false users service no route can name a service of ours as unsigned', () => {
  for (const route of [
    { prefix: '/users', service: 'users', auth: 'none', unsigned: true } as const,
    { prefix: '/a', service: 'weather', spare: 'users', auth: 'none', unsigned: true } as const,
  ])
    assert.throws(() => edge.change({ routes: [route] }), /users is ours and signs/)
})
