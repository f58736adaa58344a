/** The same question by every protocol at once: who answers how fast, with how many bytes, for how much work. */
import type { RaceQuestion } from '../../../../race.ts'
import { useLive } from '../../live/use-live.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Radios } from '../../shell/radios.tsx'
import './protocols.css'
import { Results } from './results.tsx'
import { useRace } from './use-race.ts'
import { protocolWords } from './words.ts'

const amounts = { '5': '5', '10': '10', '50': '50', '200': '200' } as const

/** The question and how often it is asked are in the address. */
export default function ProtocolsPage() {
  const words = useWords(protocolWords)
  const address = useQuery()
  const product = useLive((state) => state.products[0]?.id)
  const order = useLive((state) => state.orders.find(({ user }) => user === 'ada')?.order.id)
  const { state, running, start, stop } = useRace()
  const question: RaceQuestion = address.get('question') === 'product' ? 'product' : 'order'
  const runs = Object.keys(amounts).find((one) => one === address.get('runs')) ?? '10'
  const id = question === 'product' ? product : order
  return (
    <div className="page protocols-page">
      <section className="card race-bar">
        <Radios
          name="race-question"
          legend={words.question}
          names={words.questions}
          value={question}
          choose={(next) => say({ question: next === 'order' ? undefined : next })}
        />
        <div className="amount">
          <span aria-hidden="true">{words.runs}</span>
          <Radios
            name="race-runs"
            legend={words.runs}
            names={amounts}
            value={runs as keyof typeof amounts}
            choose={(next) => say({ runs: next === '10' ? undefined : next })}
          />
        </div>
        {running ? (
          <button type="button" onClick={stop}>
            <Icon name="stop" />
            {words.stop}
          </button>
        ) : (
          <button
            type="button"
            className="main"
            disabled={id === undefined}
            onClick={() => id !== undefined && start({ question, id, runs: Number(runs) })}
          >
            <Icon name="start" />
            {words.start}
          </button>
        )}
        <p className="hint" role="status">
          {running ? words.running : question === 'order' && order === undefined && words.noOrder}
        </p>
        {id === undefined && <Link href="/orders">{words.toOrders}</Link>}
      </section>
      {state?.failed !== undefined && (
        <p className="card gone" role="alert">
          {words.couldNot(state.failed)}
        </p>
      )}
      {state !== undefined && <Results state={state} />}
      <How />
    </div>
  )
}

/** What the figures are, and aren't. */
function How() {
  const words = useWords(protocolWords)
  const { language } = usePreferences()
  return (
    <details className="card race-how">
      <summary>{words.how}</summary>
      <ul>
        {words.explained.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <p className="hint">
        {words.more}: <code>{language === 'ru' ? 'docs/ru/protocols.md' : 'docs/protocols.md'}</code>
      </p>
    </details>
  )
}
