/** The four ways to ask, each with the client that the system's services use. */
import grpc from '@grpc/grpc-js'
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { OrderServiceClient } from '@svyaz/contracts/proto/generated/orders.ts'
import { Pool } from 'undici'
import { WebSocket } from 'ws'
import { orderId, orderJson } from './order.ts'
import { topic } from './shape.ts'

export const wayNames = ['rest', 'grpc', 'webSocket', 'message'] as const
export type WayName = (typeof wayNames)[number]

export interface Way {
  /** Resolves when the answer is here, parsed; a message: when the broker has it on its disk. */
  call(dueNs: bigint): Promise<void>
  close(): Promise<void>
}

/** `host:port` of who answers. */
export type OpenWay = (address: string) => Promise<Way>

const must = (seen: unknown): void => {
  if (seen !== orderId) throw new Error(`another order came: ${seen}`)
}

export const ways: Readonly<Record<WayName, OpenWay>> = {
  rest: async (address) => {
    const pool = new Pool(`http://${address}`, { connections: 8, pipelining: 1 })
    return {
      call: async () => {
        const { body } = await pool.request({ method: 'GET', path: `/orders/${orderId}` })
        must(((await body.json()) as { id: string }).id)
      },
      close: () => pool.close(),
    }
  },

  grpc: async (address) => {
    const client = new OrderServiceClient(address, grpc.credentials.createInsecure())
    return {
      call: () =>
        new Promise((resolve, reject) => {
          client.getOrder({ id: orderId }, (error, order) => {
            if (error) return reject(error)
            must(order.id)
            resolve()
          })
        }),
      close: async () => client.close(),
    }
  },

  webSocket: async (address) => {
    const socket = new WebSocket(`ws://${address}`)
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
    const waiting = new Map<number, () => void>()
    let last = 0
    socket.on('message', (data) => {
      const { n, order } = JSON.parse(String(data)) as { n: number; order: { id: string } }
      must(order.id)
      waiting.get(n)?.()
      waiting.delete(n)
    })
    return {
      call: () =>
        new Promise((resolve) => {
          waiting.set(++last, resolve)
          socket.send(JSON.stringify({ n: last, method: 'getOrder', id: orderId }))
        }),
      close: async () => socket.close(),
    }
  },

  message: async (address) => {
    const producer = new Producer({
      clientId: 'bench',
      bootstrapBrokers: [address],
      serializers: stringSerializers,
      idempotent: true,
      acks: ProduceAcks.ALL,
    })
    const value = JSON.stringify(orderJson)
    return {
      call: async (dueNs) => {
        const headers = { due: String(dueNs), ce_type: 'order.created', ce_id: orderId, ce_source: 'orders' }
        await producer.send({ messages: [{ topic, key: orderId, value, headers }] })
      },
      close: () => producer.close(true),
    }
  },
}
