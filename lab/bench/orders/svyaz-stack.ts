/** Ours, as `npm start` runs it: every order traced, on a synced broker; its limits per user lifted for the load. */
import { bearerSubprotocolPrefix, streamPath, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import { demand } from '@svyaz/observe/http.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import { type System, startSystem } from '@svyaz/system/testing'
import { processTree, usageOfTree } from '@svyaz/system/usage'
import { carrierMs, type Stack } from './stack.ts'

const readyTimeoutMs = 180_000
const productsMax = 40
const restocked = 100_000

export interface SvyazStack extends Stack {
  /** For what only ours is asked: to scale, its databases. */
  readonly system: System
}

/**
 * Starts a whole system of its own on free ports.
 * @param env for every process of it
 */
export async function startSvyaz(env: Readonly<Record<string, string>> = {}): Promise<SvyazStack> {
  const system = await startSystem({ readyTimeoutMs, env })
  try {
    const gateway = system.url('gateway')
    const admin = await Person.signIn(gateway, administrator)
    const set = (application: string, properties: object) =>
      demand(200, admin.ask('PUT', `/admin/${application}/embedded`, { body: { properties } }))
    await set('gateway', { userRequestsPerMinute: 1_000_000, addressRequestsPerSecond: 100_000 })
    await set('delivery', { shipAfterMs: carrierMs.ship, deliverAfterMs: carrierMs.deliver })
    const { body: catalogue } = await demand(200, admin.ask('GET', `/products?limit=${productsMax}`))
    const products = (catalogue as { id: string }[]).map(({ id }) => id)
    for (const id of products)
      await demand(200, admin.ask('POST', `/products/${id}/restock`, { body: { quantity: restocked } }))
    return {
      system,
      ordersUrl: gateway,
      products,
      signUp: async (name) => {
        const { token } = await Person.register(gateway, name)
        const url = `${gateway.replace(/^http/, 'ws')}${streamPath}`
        return { token, stream: { url, protocols: [subprotocol, `${bearerSubprotocolPrefix}${token}`] } }
      },
      cpuMs: () =>
        new Map(
          system
            .instances()
            .flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, usageOfTree(pid).cpuMs] as const])),
        ),
      instances: () =>
        system.instances().flatMap(({ name, pid, ports: { management, otlp } }) => {
          if (pid === undefined) return []
          const port = management ?? otlp
          const metricsUrl = port === undefined ? undefined : `http://127.0.0.1:${port}/metrics`
          return [{ name, pids: processTree(pid), metricsUrl }]
        }),
      [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
    }
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
}
