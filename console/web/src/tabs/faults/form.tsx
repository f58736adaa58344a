/** What an experiment is asked: kinds, targets, seed and bounds. The seed is in the address, so that it can be sent to others. */
import {
  breakableEdges,
  breaksEdge,
  edgeName,
  experimentBounds,
  type FaultKind,
  faultKinds,
  usualExperiment,
} from '@svyaz/contracts/fault-lab.ts'
import { useId, useState } from 'react'
import { live } from '../../live/connection.ts'
import { Icon } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { say, useQuery } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { Twice } from '../../shell/twice.tsx'
import { faultWords } from './words.ts'

interface FormProps {
  readonly targets: readonly string[]
  readonly running: boolean
  /** Nothing else examines the system. */
  readonly possible: boolean
  readonly begun: () => void
}

const usual: ReadonlySet<string> = new Set(usualExperiment.targets)
const edgeNames = breakableEdges.map(edgeName)
const someSeed = () => Math.floor(Math.random() * 1_000_000)

/** @param begun is called when an experiment was begun, or ended early */
export function Form({ targets, running, possible, begun }: FormProps) {
  const words = useWords(faultWords)
  const asked = useQuery()
  const [drawn, setDrawn] = useState(someSeed)
  const [kinds, setKinds] = useState<ReadonlySet<string>>(() => new Set(['kill', 'pause', 'error']))
  const [chosen, setChosen] = useState<ReadonlySet<string>>()
  const [edges, setEdges] = useState<ReadonlySet<string>>(() => new Set(edgeNames.slice(0, 1)))
  const [bounds, setBounds] = useState<Bounds>({ seconds: 20, faults: 4, ordersPerSecond: 2 })
  const seed = Number(asked.get('seed') ?? drawn)
  const own = chosen ?? new Set(targets.filter((target) => usual.has(target)))
  const act = async (work: () => Promise<unknown>) => {
    try {
      await work()
      begun()
    } catch (error) {
      notify(words.refused(error))
    }
  }
  const draw = () => {
    setDrawn(someSeed())
    say({ seed: undefined })
  }
  const ask = () => ({
    seed,
    ...bounds,
    kinds: faultKinds.filter((kind) => kinds.has(kind)),
    targets: targets.filter((target) => own.has(target)),
    edges: edgeNames.filter((edge) => edges.has(edge)),
  })
  const onEdges = faultKinds.some((kind) => kinds.has(kind) && breaksEdge(kind))
  return (
    <section className="card fault-form">
      <p className="hint">{words.about}</p>
      <Choices legend={words.kinds} names={faultKinds} chosen={kinds} text={words.kindNames} choose={setKinds} />
      <Choices legend={words.targets} names={targets} chosen={own} choose={setChosen} />
      {onEdges && <Choices legend={words.edges} names={edgeNames} chosen={edges} choose={setEdges} />}
      <Numbers seed={seed} bounds={bounds} change={setBounds} />
      <Buttons
        running={running}
        possible={possible}
        begin={() => act(() => live.experiment(ask()))}
        end={() => act(live.endExperiment)}
        draw={draw}
      />
    </section>
  )
}

interface Bounds {
  readonly seconds: number
  readonly faults: number
  readonly ordersPerSecond: number
}

interface NumbersProps {
  readonly seed: number
  readonly bounds: Bounds
  readonly change: (bounds: Bounds) => void
}

function Numbers({ seed, bounds, change }: NumbersProps) {
  const words = useWords(faultWords)
  return (
    <div className="filters">
      <NumberField
        label={words.seed}
        value={seed}
        max={experimentBounds.seedMax}
        change={(value) => say({ seed: String(value) })}
      />
      <NumberField
        label={words.seconds}
        value={bounds.seconds}
        min={experimentBounds.secondsMin}
        max={experimentBounds.secondsMax}
        change={(seconds) => change({ ...bounds, seconds })}
      />
      <NumberField
        label={words.faults}
        value={bounds.faults}
        min={1}
        max={experimentBounds.faultsMax}
        change={(faults) => change({ ...bounds, faults })}
      />
      <NumberField
        label={words.rate}
        value={bounds.ordersPerSecond}
        min={1}
        max={experimentBounds.ordersPerSecondMax}
        change={(ordersPerSecond) => change({ ...bounds, ordersPerSecond })}
      />
    </div>
  )
}

interface ButtonsProps {
  readonly running: boolean
  readonly possible: boolean
  readonly begin: () => Promise<void>
  readonly end: () => Promise<void>
  /** Another seed. */
  readonly draw: () => void
}

function Buttons({ running, possible, begin, end, draw }: ButtonsProps) {
  const words = useWords(faultWords)
  return (
    <p className="buttons">
      <Twice icon="fault" text={words.begin} really={words.really} disabled={running || !possible} act={begin} />
      {running ? (
        <button type="button" onClick={() => void end()}>
          <Icon name="stop" />
          {words.stop}
        </button>
      ) : (
        <button type="button" onClick={draw}>
          <Icon name="restart" />
          {words.newSeed}
        </button>
      )}
    </p>
  )
}

interface ChoicesProps {
  readonly legend: string
  readonly names: readonly (FaultKind | string)[]
  readonly chosen: ReadonlySet<string>
  readonly text?: Readonly<Record<string, string>>
  readonly choose: (chosen: ReadonlySet<string>) => void
}

const Choices = ({ legend, names, chosen, text = {}, choose }: ChoicesProps) => (
  <fieldset className="choices">
    <legend>{legend}</legend>
    {names.map((name) => (
      <label key={name}>
        <input
          type="checkbox"
          value={name}
          checked={chosen.has(name)}
          onChange={({ target }) =>
            choose(new Set(target.checked ? [...chosen, name] : [...chosen].filter((other) => other !== name)))
          }
        />
        <span>{text[name] ?? name}</span>
      </label>
    ))}
  </fieldset>
)

interface NumberFieldProps {
  readonly label: string
  readonly value: number
  readonly min?: number
  readonly max: number
  readonly change: (value: number) => void
}

function NumberField({ label, value, min = 0, max, change }: NumberFieldProps) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="number"
        min={min}
        max={max}
        value={value}
        onChange={({ target }) => change(target.valueAsNumber || 0)}
      />
    </div>
  )
}
