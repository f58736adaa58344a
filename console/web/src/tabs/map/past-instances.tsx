/** The instances of a node as they were: nothing can be done to them any more. */
import type { Process } from '../../../../protocol.ts'
import { useWords } from '../../shell/preferences.ts'
import { orderWords } from '../orders/words.ts'

/** Each with its state in a word: its worst in the ten seconds that the map shows. */
export function PastInstances({ instances }: { instances: readonly Process[] }) {
  const words = useWords(orderWords)
  return (
    <ul className="panel-edges" aria-label={words.processes}>
      {instances.map(({ name, status, restarts }) => (
        <li key={name}>
          <span className={`dot ${status === 'ready' ? 'good' : 'bad'}`} />
          {name}
          <span className="hint">{words.states[status]}</span>
          <span className="number">{restarts > 0 && words.restarts(restarts)}</span>
        </li>
      ))}
    </ul>
  )
}
