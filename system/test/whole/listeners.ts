/** Reliability rule 18: every listener is in one table. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { listeners } from '../../listeners.ts'
import { processTree } from '../../src/supervisor/process-table.ts'
import { listeningPorts, listeningSockets } from '../listening.ts'
import { runSvyaz } from '../svyaz-process.ts'
import type { World } from './world.ts'

interface Shown {
  readonly instances: readonly {
    readonly name: string
    readonly service: string
    readonly pid?: number
    readonly ports: Readonly<Record<string, number>>
  }[]
}

export const listenerScenarios = (world: () => World): void => {
  describe('the table of listeners', () => {
    const shown = async (): Promise<Shown['instances']> => {
      const { code, out, err } = await runSvyaz(world().system.home, ['ps', '--json'])
      assert.equal(code, 0, err)
      return (JSON.parse(out) as Shown).instances
    }

    it('has every port that `svyaz ps` shows', async () => {
      for (const { name, service, ports } of await shown()) {
        const known = listeners.filter((listener) => listener.process === service).map((listener) => listener.port)
        assert.deepEqual(Object.keys(ports).sort(), known.sort(), name)
      }
    })

    it('has every port that a process really listens on', {
      skip: process.platform === 'linux' ? false : 'only Linux says who listens where',
    }, async () => {
      const sockets = listeningSockets()
      for (const { name, pid, ports } of await shown()) {
        assert.ok(pid !== undefined, `${name} runs`)
        const told = Object.values(ports).sort((a, b) => a - b)
        assert.deepEqual(listeningPorts(processTree(pid), sockets), told, name)
      }
    })
  })
}
