/**
 * The fault lab as a program: `node lab/checker/experiment/main.ts --home .svyaz --asked '{…}'` carries out one experiment on
 * the system that runs on that home, and says how it goes, a line of JSON each. It ends, and heals what it broke, when its
 * standard input does: nobody is left with a broken system when whoever asked for it dies.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import {
  type ExperimentAsked,
  type ExperimentSaid,
  experimentBounds,
  faultKinds,
  whyRefused,
} from '@svyaz/contracts/fault-lab.ts'
import { topology } from '@svyaz/system/topology'
import { Attached } from './attached.ts'
import { experiment, heal } from './experiment.ts'
import { breakable, planOf } from './plan.ts'

const { values } = parseArgs({
  options: {
    home: { type: 'string', default: '.svyaz' },
    seed: { type: 'string' },
    seconds: { type: 'string', default: '30' },
    faults: { type: 'string', default: '5' },
    kinds: { type: 'string', default: faultKinds.join(',') },
    targets: { type: 'string', default: 'orders,inventory,payments,delivery,notifications,broker' },
    rate: { type: 'string', default: '2' },
  },
})

const say = (said: ExperimentSaid) => process.stdout.write(`${JSON.stringify(said)}\n`)

const asked: ExperimentAsked = {
  seed: Number(values.seed ?? Math.floor(Math.random() * experimentBounds.seedMax)),
  seconds: Number(values.seconds),
  faults: Number(values.faults),
  kinds: values.kinds.split(',').filter(Boolean) as ExperimentAsked['kinds'],
  targets: values.targets.split(',').filter(Boolean),
  ordersPerSecond: Number(values.rate),
}

try {
  const refusal = whyRefused(asked, breakable(topology))
  if (refusal !== undefined) throw new Error(refusal)
  using system = await Attached.to(resolve(values.home))
  const stopping = new AbortController()
  const leave = () => {
    stopping.abort()
    void heal(system, planOf(asked, topology)).finally(() => process.exit(1))
  }
  process.once('SIGTERM', leave).once('SIGINT', leave)
  // Asked to stop: a line. Nobody is there any more: the end.
  process.stdin.on('data', () => stopping.abort()).on('end', leave)
  await experiment(asked, system, say, stopping.signal)
  process.exit(0)
} catch (error) {
  say({ type: 'failed', why: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
