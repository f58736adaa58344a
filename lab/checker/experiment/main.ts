/**
 * The fault lab as a program: `node lab/checker/experiment/main.ts --home .svyaz --seed 7` carries out one experiment on
 * the system that runs on that home, and says how it goes, a line of JSON each. It ends, and heals what it broke, when its
 * standard input does or its output is no longer read: nobody is left with a broken system when whoever asked for it dies.
 */
import { resolve } from 'node:path'
import {
  breakableEdges,
  type ExperimentAsked,
  type ExperimentSaid,
  edgeName,
  experimentBounds,
  faultKinds,
  usualExperiment,
  whyRefused,
} from '@svyaz/contracts/fault-lab.ts'
import { programOf } from '@svyaz/observe/program.ts'
import { topology } from '@svyaz/system/topology'
import { Attached } from './attached.ts'
import { experiment, heal } from './experiment.ts'
import { leaveInOrder } from './leaving.ts'
import { breakable, planOf } from './plan.ts'

const { seedMax, secondsMin, secondsMax, faultsMax, ordersPerSecondMax } = experimentBounds
const usual = usualExperiment
const { values } = programOf({
  command: 'node lab/checker/experiment/main.ts',
  about: 'One seeded experiment on the system that runs: orders of its own, faults by plan, and a scorecard.',
  options: {
    home: { takes: 'folder', default: '.svyaz', about: 'of the system that runs' },
    seed: { takes: 'n', range: { min: 0, max: seedMax }, about: 'which faults come when; drawn when left out' },
    seconds: {
      takes: 'n',
      range: { min: secondsMin, max: secondsMax },
      default: usual.seconds,
      about: 'in which faults begin',
    },
    faults: { takes: 'n', range: { min: 1, max: faultsMax }, default: usual.faults, about: 'how many' },
    kinds: { takes: 'a,b', default: faultKinds.join(','), about: 'of faults' },
    targets: {
      takes: 'a,b',
      default: usual.targets.join(','),
      about: 'what they meet',
    },
    edges: {
      takes: 'a → b,…',
      default: breakableEdges.map(edgeName).join(','),
      about: 'that are delayed, fail, are cut',
    },
    rate: {
      takes: 'n',
      range: { min: 1, max: ordersPerSecondMax },
      default: usual.ordersPerSecond,
      about: 'orders a second',
    },
  },
})

const say = (said: ExperimentSaid) => process.stdout.write(`${JSON.stringify(said)}\n`)

const asked: ExperimentAsked = {
  seed: values.seed ?? Math.floor(Math.random() * seedMax),
  seconds: values.seconds,
  faults: values.faults,
  kinds: values.kinds.split(',').filter(Boolean) as ExperimentAsked['kinds'],
  targets: values.targets.split(',').filter(Boolean),
  edges: values.edges.split(',').filter(Boolean),
  ordersPerSecond: values.rate,
}

const failed = (error: unknown) => say({ type: 'failed', why: error instanceof Error ? error.message : String(error) })

try {
  const refusal = whyRefused(asked, breakable(topology))
  if (refusal !== undefined) throw new Error(refusal)
  await carryOut(await Attached.to(resolve(values.home)))
} catch (error) {
  failed(error)
  process.exit(1)
}

async function carryOut(system: Attached): Promise<void> {
  const leaving = leaveInOrder(() => heal(system, planOf(asked, topology)), failed)
  const code = await experiment(asked, system, say, leaving.stopping).then(
    () => 0,
    (error: unknown) => {
      failed(error)
      return 1
    },
  )
  await leaving.over(code)
}
