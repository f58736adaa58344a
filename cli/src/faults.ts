/** `svyaz faults`: breaks the running system by a plan, under orders of its own, and says what was lost: the console's Fault lab. */
import { Attached } from '@svyaz/checker/experiment/attached.ts'
import { experiment, heal } from '@svyaz/checker/experiment/experiment.ts'
import { breakable, planOf } from '@svyaz/checker/experiment/plan.ts'
import {
  breakableEdges,
  type ExperimentAsked,
  type ExperimentSaid,
  edgeName,
  experimentBounds,
  faultKinds,
  type PlannedFault,
  type Scorecard,
  usualExperiment,
  whyRefused,
} from '@svyaz/contracts/fault-lab.ts'
import { topology } from '@svyaz/system/topology'
import type { Invocation } from './command.ts'
import { supervisorOn } from './control-client.ts'
import { CliError, exitCodes, NotRunningError, UsageError } from './errors.ts'
import { stopInOrder } from './stop-in-order.ts'
import type { Terminal } from './terminal.ts'
import { wholeNumber } from './whole-number.ts'

/**
 * `svyaz faults`. Ctrl-C ends the faults early: what is broken heals and what was seen is judged; a second one leaves
 * after healing alone.
 * @returns 0 when every invariant holds and all came to rest, 1 otherwise
 */
export async function faults({ config, terminal, flags }: Invocation): Promise<number> {
  const asked = askedOf(flags)
  const refusal = whyRefused(asked, breakable(topology))
  if (refusal !== undefined) throw new UsageError(refusal)
  if (supervisorOn(config.home) === undefined)
    throw new NotRunningError('nothing runs here to break: `npx svyaz up --detach` starts it')
  using system = await Attached.to(config.home)
  const leave = () => void heal(system, planOf(asked, topology)).finally(() => process.exit(exitCodes.failed))
  let uncaught = false
  const stopping = stopInOrder(leave, (error) => {
    uncaught = true
    terminal.complain(`svyaz: ${config.debug ? error.stack : error.message}`)
  })
  let scorecard: Scorecard | undefined
  const report = flags.json ? (said: ExperimentSaid) => terminal.json(said) : reporter(terminal)
  if (!flags.json) terminal.print(`seed ${asked.seed}: svyaz faults --seed ${asked.seed} has the same plan`)
  await experiment(
    asked,
    system,
    (said) => {
      if (said.type === 'scorecard') scorecard = said.scorecard
      report(said)
    },
    stopping,
  )
  if (scorecard === undefined) throw new CliError('the experiment ended without a judgement')
  // Sockets of the readers may hold the process for seconds: there is nothing left to wait for.
  setTimeout(() => process.exit(), 500).unref()
  return sound(scorecard) && !uncaught ? exitCodes.ok : exitCodes.failed
}

/** @throws UsageError for a kind of fault that doesn't exist */
function askedOf(flags: Invocation['flags']): ExperimentAsked {
  const list = (name: string, absent: readonly string[]) =>
    typeof flags[name] === 'string' ? flags[name].split(',').filter(Boolean) : absent
  const kinds = list('kinds', faultKinds)
  const unknown = kinds.find((kind) => !faultKinds.includes(kind as (typeof faultKinds)[number]))
  if (unknown !== undefined) throw new UsageError(`there is no fault "${unknown}"; ${faultKinds.join(', ')}`)
  return {
    seed: wholeNumber(flags.seed, Math.floor(Math.random() * experimentBounds.seedMax)),
    seconds: wholeNumber(flags.seconds, usualExperiment.seconds),
    faults: wholeNumber(flags.faults, usualExperiment.faults),
    kinds: kinds as ExperimentAsked['kinds'],
    targets: list('targets', usualExperiment.targets),
    edges: list('edges', breakableEdges.map(edgeName)),
    ordersPerSecond: wholeNumber(flags.rate, usualExperiment.ordersPerSecond),
  }
}

const sound = ({ lost, doubled, wrong, restMs }: Scorecard) => lost + doubled + wrong === 0 && restMs !== undefined

/** One line for each thing that happens; counts are for programs. */
function reporter(terminal: Terminal): (said: ExperimentSaid) => void {
  let plan: readonly PlannedFault[] = []
  return (said) => {
    if (said.type === 'plan') plan = said.faults
    else if (said.type === 'phase' && said.phase !== 'over') terminal.print(terminal.paint('dim', phases[said.phase]))
    else if (said.type === 'fault')
      for (const line of faultLines(plan[said.index], said, terminal)) terminal.print(line)
    else if (said.type === 'scorecard')
      for (const line of scorecardLines(said.scorecard, terminal)) terminal.print(line)
  }
}

const phases = {
  preparing: 'Users of its own are registered …',
  warm: 'Orders begin …',
  faults: 'Faults begin …',
  healing: 'What is broken is mended …',
  resting: 'Nothing new comes; what is under way ends …',
  judging: 'Orders, payments, stock, events and mails are compared …',
} as const

const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`

function faultLines(
  planned: PlannedFault | undefined,
  { outcome }: Extract<ExperimentSaid, { type: 'fault' }>,
  terminal: Terminal,
): string[] {
  if (planned === undefined) return []
  const what = `${planned.kind} ${planned.target}`
  if (outcome.state === 'under way')
    return [`  ${what}${planned.forMs === undefined ? '' : ` for ${seconds(planned.forMs)}`}`]
  const back = outcome.recoveryMs === undefined ? '' : `, itself again after ${seconds(outcome.recoveryMs)}`
  const met = outcome.ordersInFlight === undefined ? '' : `, ${outcome.ordersInFlight} orders were under way`
  const text = outcome.fired ? `${what}: happened${met}${back}` : `${what}: did not happen`
  return [`  ${terminal.paint(outcome.fired ? 'dim' : 'yellow', `${text}${outcome.note ? ` (${outcome.note})` : ''}`)}`]
}

/** What an experiment came to, for a person: the figures, and below them each invariant that broke. */
export function scorecardLines(card: Scorecard, terminal: Terminal): string[] {
  const { counts, statuses, fired, planned, recoveryMsMax, restMs, judgements } = card
  const figure = (name: 'lost' | 'doubled' | 'wrong') =>
    terminal.paint(card[name] === 0 ? 'green' : 'red', `${card[name]} ${name}`)
  const broken = judgements.filter(({ breaches }) => breaches > 0)
  return [
    '',
    `${counts.accepted} orders accepted (${Object.entries(statuses)
      .map(([status, count]) => `${count} ${status}`)
      .join(', ')}), ${counts.refused} refused, ${counts.unanswered} unanswered`,
    `${figure('lost')}, ${figure('doubled')}, ${figure('wrong')}, by ${judgements.length} invariants`,
    `${fired} of ${planned} faults happened${recoveryMsMax === undefined ? '' : `; the slowest was over after ${seconds(recoveryMsMax)}`}; ${restMs === undefined ? terminal.paint('red', 'not everything came to an end') : `all at rest after ${seconds(restMs)}`}`,
    ...broken.flatMap(({ id, promise, found, breaches }) => [
      '',
      `${terminal.paint('red', id)} ${promise}: ${breaches} ×`,
      ...found.map((text) => `  ${text}`),
    ]),
  ]
}
