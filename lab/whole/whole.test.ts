/**
 * The whole system, started once for every scenario below: real processes, real PostgreSQL, the embedded broker. It is
 * seen from outside only: the gateway, topics, mail server, payment provider, databases, logs, traces.
 */
import { after, before, describe } from 'node:test'
import { accessScenarios } from './access-matrix.ts'
import { serviceAccessScenarios } from './access-services.ts'
import { aftermathScenarios } from './aftermath.ts'
import { badInputScenarios } from './bad-input.ts'
import { changeScenarios } from './changes.ts'
import { commandLineScenarios } from './command-line.ts'
import { consoleAccessScenario } from './console-access.ts'
import { faultsScenario } from './faults.ts'
import { graphScenarios } from './graph.ts'
import { attackScenario, listenerScenarios } from './listeners.ts'
import { mcpScenarios } from './mcp.ts'
import { orderScenarios } from './orders.ts'
import { outageScenarios } from './outages.ts'
import { processScenarios } from './processes.ts'
import { requestLimitScenario } from './request-limit.ts'
import { signInScenarios } from './sign-in.ts'
import { traceScenarios } from './traces.ts'
import { World } from './world.ts'

let running: World | undefined
const world = (): World => {
  if (running === undefined) throw new Error('the system did not start')
  return running
}

describe('the whole system', { timeout: 8 * 60_000 }, () => {
  before(
    async () => {
      running = await World.start()
    },
    { timeout: 180_000 },
  )
  after(() => running?.[Symbol.asyncDispose](), { timeout: 60_000 })

  requestLimitScenario(world)
  orderScenarios(world)
  badInputScenarios(world)
  accessScenarios(world)
  signInScenarios(world)
  consoleAccessScenario(world)
  changeScenarios(world)
  graphScenarios(world)
  traceScenarios(world)
  // After the traces are looked at: each refused call is one more.
  serviceAccessScenarios(world)
  commandLineScenarios(world)
  mcpScenarios(world)
  listenerScenarios(world)
  outageScenarios(world)
  aftermathScenarios(world)
  processScenarios(world)
  faultsScenario(world)
  attackScenario(world)
})
