/** Ours, as `npm start` runs it: every order traced, on a synced broker; its limits per user lifted for the load. */
import { bearerSubprotocolPrefix, streamPath, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import { demand } from '@svyaz/observe/http.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import { startSystem } from '@svyaz/system/testing'
import { usageOfTree } from '@svyaz/system/usage'
import { carrierMs, type Stack } from './stack.ts'

const readyTimeoutMs = 180_000
const productsMax = 40
const restocked = 100_000

/** Starts a whole system of its own on free ports. */
export async function startSvyaz(): Promise<Stack> {
  const system = await startSystem({ readyTimeoutMs })
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
      [Symbol.asyncDispose]: () => system[Symbol.asyncDispose](),
    }
  } catch (error) {
    await system[Symbol.asyncDispose]()
    throw error
  }
}
