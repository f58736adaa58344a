/** A row for each saga: where it waits, what remains, what happened last. Ages go on by themselves. */
import type { SagasAnswer } from '../../../../protocol.ts'
import { useLive } from '../../live/use-live.ts'
import { age, clock } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { useNow } from '../../shell/now.ts'
import { Link } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { lookOf } from '../orders/look.ts'
import { headline } from '../orders/story-words.ts'
import { sagaWords } from './words.ts'

type Saga = SagasAnswer['sagas'][number]

/** The sagas of one page. */
export function SagaTable({ sagas }: { sagas: readonly Saga[] }) {
  const words = useWords(sagaWords)
  const nowMs = useNow(1_000)
  return (
    <TableBox label={words.table}>
      <table className="data">
        <Heads
          columns={[
            { words: words.order },
            { words: words.status },
            { words: words.waits },
            words.since,
            { words: words.last },
            words.placed,
            words.trace,
          ]}
        />
        <tbody>
          {sagas.map((saga) => (
            <Row key={saga.orderId} saga={saga} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

/** The end of an id differs where its beginning is the time. */
const shortOf = (id: string): string => `…${id.slice(-8)}`

function Row({ saga, nowMs }: { saga: Saga; nowMs: number }) {
  const words = useWords(sagaWords)
  const { language } = usePreferences()
  const { orderId, status, last, traceId, remaining } = saga
  const short = shortOf(orderId)
  return (
    <tr data-saga={orderId} data-status={status}>
      <th scope="row">
        <Link href={`/orders/${orderId}`} title={orderId}>
          {short}
        </Link>
      </th>
      <td className="words">
        <span className={`dot ${lookOf(status)}`} /> {words.selections[status]}
      </td>
      <td className="words waits">
        <Waits saga={saga} />
      </td>
      <td>{remaining[0] === undefined ? '–' : age(nowMs - Date.parse(remaining[0].waitingSince), language)}</td>
      <td className="words last">
        {last === undefined ? (
          '–'
        ) : (
          <>
            {headline(language, last.code)} <time dateTime={last.at}>{clock(last.at, language)}</time>
          </>
        )}
      </td>
      <td>{age(nowMs - Date.parse(saga.createdAt), language)}</td>
      <td>
        {traceId === undefined ? (
          '–'
        ) : (
          <Link href={`/traces/${traceId}`} aria-label={words.traceOf(short)}>
            <Icon name="trace" />
          </Link>
        )}
      </td>
    </tr>
  )
}

/** The next step with who takes it, and those behind it. */
function Waits({ saga: { remaining } }: { saga: Saga }) {
  const words = useWords(sagaWords)
  const [first, ...rest] = remaining
  const isAway = useLive(({ aways }) =>
    aways.some(({ service, until }) => service === first?.service && until === undefined),
  )
  if (first === undefined) return <span className="hint">–</span>
  return (
    <>
      <b>{first.service}</b> {words.steps[first.code]}
      {isAway && (
        <span className="away">
          {' '}
          <span className="dot bad" /> {words.away(first.service)}
        </span>
      )}
      {rest.length > 0 && (
        <span className="hint">
          {' · '}
          {words.thereafter(rest.map(({ service, code }) => `${service} ${words.steps[code]}`).join(', '))}
        </span>
      )}
    </>
  )
}
