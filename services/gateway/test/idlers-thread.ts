/** The thread of crowd.test.ts: opens connections that say nothing, then says how many of them are still open, when asked. */
import { connect } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'

const { port, idleConnections } = workerData as { port: number; idleConnections: number }
/** Each of the addresses stays below its own bound: what has to hold is the bound of all. */
const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5', '127.0.0.6']
/** More would overflow the queue of the listening port. */
const arrivingMax = 250

// Thousands of them end by a reset: nobody reads where.
Error.stackTraceLimit = 0
let begun = 0
let arrived = 0
let closed = 0

const come = (): void => {
  const place = begun++
  const socket = connect({ port, host: '127.0.0.1', localAddress: addresses[place % addresses.length]! })
  let waiting = true
  const came = () => {
    if (!waiting) return
    waiting = false
    arrived++
    if (arrived === idleConnections) parentPort?.postMessage('all came')
    else if (begun < idleConnections) come()
  }
  socket.once('connect', came)
  socket.on('error', () => undefined)
  socket.once('close', () => {
    closed++
    came()
  })
  socket.resume()
}

for (let first = 0; first < arrivingMax; first++) come()
parentPort?.on('message', () => parentPort?.postMessage(begun - closed))
