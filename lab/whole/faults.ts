/** `svyaz faults` on the running system. Behind all that is judged: its kills and orders are nobody else's. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { runSvyaz } from '../../cli/test/svyaz-process.ts'
import type { World } from './world.ts'

/** A seeded experiment from the command line. */
export const faultsScenario = (world: () => World): void => {
  describe('the Fault lab at the terminal', () => {
    it('a kill by plan under orders of its own, and a judgement of every invariant', {
      timeout: 150_000,
    }, async () => {
      const w = world()
      const args = 'faults --seed 7 --seconds 5 --faults 1 --kinds kill --targets delivery'.split(' ')
      const ran = await runSvyaz(w.system.home, [...args, '--json'])
      assert.equal(ran.code, 0, `${ran.err}${ran.out}`)
      const said = ran.out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      const plan = said.find(({ type }) => type === 'plan')
      assert.deepEqual(
        plan.faults.map(({ kind, target }: { kind: string; target: string }) => [kind, target]),
        [['kill', 'delivery-1']],
      )
      const { scorecard } = said.find(({ type }) => type === 'scorecard')
      assert.deepEqual([scorecard.fired, scorecard.lost, scorecard.doubled, scorecard.wrong], [1, 0, 0, 0])
      assert.ok(scorecard.counts.accepted > 0 && scorecard.judgements.length >= 10)
      const wrong = await runSvyaz(w.system.home, ['faults', '--targets', 'mail-sink'])
      assert.deepEqual([wrong.code, /mail-sink may not be broken here/.test(wrong.err)], [2, true], wrong.err)
    })
  })
}
