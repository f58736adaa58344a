/**
 * The column "service" of the matrix of access-matrix.ts: every operation and gRPC method, asked at the service itself by
 * every service of the system under its own name and with its own key. What the contracts and ARCHITECTURE.md don't
 * name as a caller is refused.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { Client, credentials, Metadata, status } from '@grpc/grpc-js'
import { type Route, serviceNames } from '@svyaz/contracts/vocabulary.ts'
import { Feed } from '@svyaz/observe/feed.ts'
import { type Answer, ask } from '@svyaz/observe/http.ts'
import { createSigner } from '../../platform/kit/src/identity/identity.ts'
import { testCore } from '../../platform/kit/test/core-fixture.ts'
import { everyRoute } from './access-matrix.ts'
import { assertProblem } from './problems.ts'
import { sampleRequest } from './sample.ts'
import { documentedCalls, everyMethod, shortName } from './traces.ts'
import type { World } from './world.ts'

const nobody = '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e'

/** Each service of the running system, with what signs in its name. */
const signersOf = async ({ system }: World) => {
  const keys = join(system.home, 'keys')
  const running = serviceNames.filter((service) => existsSync(join(keys, `${service}.json`)))
  return Promise.all(
    running.map(async (service) => ({
      service,
      signer: await createSigner(
        testCore({ service, keyFile: join(keys, `${service}.json`), jwksFile: join(keys, 'jwks.json') }),
      ),
    })),
  )
}

type Verdict = 'allowed' | 'forbidden' | 'unauthenticated' | 'as anybody'

/** The gateway for nobody stands for a client without a token. */
const verdictOf = ({ access }: Route, caller: string): Verdict => {
  if (access.services?.some((name) => name === '*' || name === caller)) return 'allowed'
  if (caller !== 'gateway') return 'forbidden'
  return access.anonymous === true ? 'as anybody' : 'unauthenticated'
}

const assertVerdict = (verdict: Verdict, answer: Answer, about: string): void => {
  if (verdict === 'forbidden' || verdict === 'unauthenticated') assertProblem(answer, verdict, about)
  else assert.ok(answer.status < 500 && answer.status !== 401, `${about}: ${answer.status}`)
}

/** The status of a call with an empty message: who may not call is refused before it is read, whatever the method's kind. */
const callEmpty = (client: Client, path: string, token: string): Promise<number> => {
  const metadata = new Metadata()
  metadata.set('authorization', `Bearer ${token}`)
  const bytes = (value: Buffer) => value
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, { deadline: Date.now() + 10_000 }, (error) =>
      resolve(error?.code ?? status.OK),
    )
  })
}

/** Asks everything as every service, and compares the answer with who may. */
export const serviceAccessScenarios = (world: () => World): void => {
  describe('which service may call what', { concurrency: 1 }, () => {
    it('HTTP: every operation, as every service', async () => {
      const w = world()
      const callers = await signersOf(w)
      assert.ok(callers.length >= 9, callers.map(({ service }) => service).join())
      for (const route of everyRoute.filter(({ service }) => service !== 'gateway')) {
        const base = w.system.url(route.service)
        const { path, body } = sampleRequest(route, {
          id: nobody,
          userId: nobody,
          orderId: nobody,
          profile: 'embedded',
        })
        for (const { service, signer } of callers) {
          const verdict = verdictOf(route, service)
          // What anybody may do, the gateway does all the time; here it would only register users.
          if (verdict === 'as anybody') continue
          const token = await signer.serviceToken(route.service)
          const answer = await ask(route.method, `${base}${path}`, { token, body })
          assertVerdict(verdict, answer, `${service} → ${route.service}: ${route.method} ${path}`)
        }
      }
    })

    it('gRPC: every method, as every service', async () => {
      const w = world()
      const callers = await signersOf(w)
      const documented = documentedCalls()
      for (const method of everyMethod) {
        const { callee, callers: allowed } = documented.get(shortName(method)) ?? assert.fail(method)
        const client = new Client(new URL(w.system.url(callee, 'grpc')).host, credentials.createInsecure())
        try {
          for (const { service, signer } of callers) {
            const said = await callEmpty(client, `/${method}`, await signer.serviceToken(callee))
            const refused = said === status.PERMISSION_DENIED || said === status.UNAUTHENTICATED
            assert.equal(refused, !allowed.includes(service), `${service} → ${method}: ${status[said]}`)
          }
        } finally {
          client.close()
        }
      }
    })

    it('a token that is for one service opens no other', async () => {
      const w = world()
      const gateway = (await signersOf(w)).find(({ service }) => service === 'gateway') ?? assert.fail()
      const token = await gateway.signer.userToken('orders', { userId: nobody, roles: ['admin'] })
      for (const service of ['users', 'inventory', 'payments', 'delivery', 'notifications'] as const) {
        const route = everyRoute.find((one) => one.service === service && one.access.user !== undefined)!
        const { path, body } = sampleRequest(route, { id: nobody, userId: nobody, orderId: nobody })
        const answer = await ask(route.method, `${w.system.url(service)}${path}`, { token, body })
        assertProblem(answer, 'unauthenticated', `${service} with a token for orders`)
      }
    })

    it('WebSocket: nobody without a token of their own', async () => {
      const w = world()
      const user = await w.register('Walter Websocket')
      await (await user.openFeed()).close()
      for (const token of ['svya_nothing', user.token.slice(0, -1)])
        await assert.rejects(new Feed(w.gateway, { id: user.id, token }).open(), /closed with/, `let in with ${token}`)
    })
  })
}
