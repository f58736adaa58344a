/** Reliability rule 18: every listener is in the table, and nothing that a stranger sends ends a process. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runSvyaz } from '../../cli/test/svyaz-process.ts'
import { listeners } from '../../system/listeners.ts'
import { processTree } from '../../system/src/supervisor/process-table.ts'
import { listeningPorts, listeningSockets } from '../../system/test/listening.ts'
import { loopback, subjectsOf } from '../checker/attack/subjects.ts'
import { attackAll } from '../checker/attack/suite.ts'
import type { World } from './world.ts'

interface Shown {
  readonly instances: readonly {
    readonly name: string
    readonly service: string
    readonly pid?: number
    readonly ports: Readonly<Record<string, number>>
  }[]
}

/** Compares the table of listeners with what listens, and attacks each. */
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

/** Last of all: what it makes processes write is not what they write in peace. */
export const attackScenario = (world: () => World): void => {
  describe('every listener', () => {
    it('bears whatever a stranger sends', { timeout: 180_000 }, async (context) => {
      const w = world()
      const { token } = await w.register('Mallory Attacker')
      const seed = Math.floor(Math.random() * 1e9)
      const subjects = subjectsOf(w.system)
      const { findings, carriedOut } = await attackAll({
        subjects,
        seed,
        from: loopback(3),
        token,
        slow: true,
      })
      context.diagnostic(`seed ${seed}: ${carriedOut} attacks`)
      assert.deepEqual(
        findings.map(({ target, attack, what }) => `${target}: ${attack}: ${what}`),
        [],
        `seed ${seed}`,
      )
      assert.ok(carriedOut > 3_000, `${carriedOut} attacks`)
    })
  })
}
