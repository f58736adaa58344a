import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideScale, type ScaleSight, type ScaleState, unscaled } from './autoscale.ts'

const bounds = { min: 1, max: 4 }
const all = (instances: number, busy: number): ScaleSight => ({ instances, ready: instances, busy })

/** Looks once a second; the seconds at which the wish was another number than there are, which is then so. */
const run = (seconds: number, sight: (second: number, instances: number) => ScaleSight, first = 1) => {
  let state: ScaleState = unscaled
  let instances = first
  const steps: [second: number, wanted: number][] = []
  for (let second = 0; second <= seconds; second++) {
    const decided = decideScale(state, sight(second, instances), second * 1_000, bounds)
    state = decided.state
    if (decided.wanted !== instances) steps.push([second, decided.wanted])
    instances = decided.wanted
  }
  return steps
}

const cases: Record<string, { seen: ReturnType<typeof run>; steps: [number, number][] }> = {
  'at rest nothing changes': { seen: run(300, (_, n) => all(n, 0.01)), steps: [] },
  'busy for five seconds adds one, and again after it has settled, up to the bound': {
    seen: run(120, (_, n) => all(n, 0.9)),
    steps: [
      [5, 2],
      [20, 3],
      [35, 4],
    ],
  },
  'a peak shorter than that adds nothing': { seen: run(60, (s, n) => all(n, s % 6 === 5 ? 0.1 : 1)), steps: [] },
  'a load that two carry well stays with two': {
    seen: run(600, (_, n) => all(n, 1.3 / n), 1),
    steps: [[5, 2]],
  },
  'a minute in which one less would do removes one': {
    seen: run(200, (_, n) => all(n, 0.3 / n), 3),
    steps: [
      [60, 2],
      [130, 1],
    ],
  },
  'a minute that is interrupted begins again': {
    seen: run(110, (s, n) => all(n, s === 40 ? 0.6 : 0.1), 2),
    steps: [[101, 1]],
  },
  'while one is not ready nothing is decided': {
    seen: run(100, (_, n) => ({ instances: n, ready: n - 1, busy: 1 }), 2),
    steps: [],
  },
  'more or fewer than the bounds allow are brought within them at once': {
    seen: run(5, (_, n) => all(n, 0.6), 7),
    steps: [[0, 4]],
  },
  'none becomes the least there may be': { seen: run(5, (_, n) => all(n, 0), 0), steps: [[0, 1]] },
}

for (const [name, { seen, steps }] of Object.entries(cases)) test(name, () => assert.deepEqual(seen, steps))

test('no steady load makes it add and remove for ever', () => {
  for (let load = 0.05; load <= 4; load += 0.05)
    for (let first = 1; first <= 4; first++) {
      const steps = run(1_200, (_, n) => all(n, Math.min(1, load / n)), first)
      const wanted = [first, ...steps.map(([, count]) => count)]
      const turns = wanted
        .slice(2)
        .filter((count, at) => Math.sign(count - wanted[at + 1]!) !== Math.sign(wanted[at + 1]! - wanted[at]!))
      assert.deepEqual(turns, [], `load ${load.toFixed(2)} from ${first}: ${wanted.join(' → ')}`)
    }
})
