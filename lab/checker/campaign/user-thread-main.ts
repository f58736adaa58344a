/** The thread of user-thread.ts. */
import { parentPort, workerData } from 'node:worker_threads'
import { type Ordinary, OrdinaryUser } from './ordinary-user.ts'

const user = new OrdinaryUser(workerData as Ordinary)
const over = new AbortController()
const living = user.live(over.signal)

parentPort?.on('message', async (what: 'seen' | 'stop') => {
  if (what === 'stop') {
    over.abort()
    await living
  }
  parentPort?.postMessage({ asked: user.asked, orders: user.orders })
  if (what === 'stop') parentPort?.close()
})
