/** Asks an instance whether it is ready, as its topology row says. */
import { Agent, get } from 'node:http'
import { connect } from 'node:net'
import type { Probe } from '../../topology.ts'
import type { InstancePorts } from './ports.ts'

/** One connection an instance is enough, and a probe must not keep the supervisor alive. */
const agent = new Agent({ keepAlive: true, maxSockets: 1, maxFreeSockets: 1 })
const timeoutMs = 2_000

/** True when the instance says that it is ready; any fault is a no. Never rejects. */
export function isReady(probe: Probe, host: string, ports: InstancePorts): Promise<boolean> {
  if (probe.kind === 'started') return Promise.resolve(true)
  const port = ports[probe.port]
  if (port === undefined) return Promise.resolve(false)
  return probe.kind === 'http' ? answersOk(host, port, probe.path) : accepts(host, port)
}

function answersOk(host: string, port: number, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent, timeout: timeoutMs }, (response) => {
      response.resume()
      response.once('end', () => resolve(response.statusCode === 200))
      response.once('error', () => resolve(false))
    })
    request.once('timeout', () => request.destroy(new Error('timeout')))
    request.once('error', () => resolve(false))
  })
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const settle = (ready: boolean) => {
      socket.destroy()
      resolve(ready)
    }
    socket.once('connect', () => settle(true))
    socket.once('timeout', () => settle(false))
    socket.once('error', () => settle(false))
  })
}
