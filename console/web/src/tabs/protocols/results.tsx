/** How a race stands: bars of the middle call, and a table of everything. */
import { type RaceLane, type RaceResult, raceLanes } from '../../../../race.ts'
import { bytes, duration, micros } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import type { RaceState } from './use-race.ts'
import { protocolWords } from './words.ts'

/** @param state of a race that has begun */
export function Results({ state }: { state: RaceState }) {
  const words = useWords(protocolWords)
  const { results, cut } = state
  const found = Object.values(results)
  const slowest = Math.max(0.001, ...found.map(({ p50Ms }) => p50Ms).filter(Number.isFinite))
  return (
    <>
      <section className="card race-bars" aria-label={words.bars}>
        <h2>{words.bars}</h2>
        <ul>
          {raceLanes.map((lane) => (
            <Bar key={lane} lane={lane} result={results[lane]} state={state} slowest={slowest} />
          ))}
        </ul>
        {cut === true && <p className="hint">{words.cut}</p>}
      </section>
      {found.length > 0 && <Table results={found} />}
    </>
  )
}

interface BarProps {
  readonly lane: RaceLane
  readonly result: RaceResult | undefined
  readonly state: RaceState
  /** The longest of the bars. */
  readonly slowest: number
}

function Bar({ lane, result, state: { begin }, slowest }: BarProps) {
  const words = useWords(protocolWords)
  const { language } = usePreferences()
  const away = begin?.away[lane] ?? (begin !== undefined && begin.runs[lane] === 0 ? 'limit' : undefined)
  const share = result === undefined || !Number.isFinite(result.p50Ms) ? 0 : result.p50Ms / slowest
  return (
    <li data-lane={lane} data-away={away}>
      <span className="lane">{words.lanes[lane]}</span>
      {away === undefined ? (
        <>
          <i aria-hidden="true">
            <b style={{ inlineSize: `${100 * share}%` }} />
          </i>
          <span className="figure">{share === 0 ? '…' : duration(result?.p50Ms ?? 0, language)}</span>
        </>
      ) : (
        <span className="hint">{words.away[away]}</span>
      )}
    </li>
  )
}

function Table({ results }: { results: readonly RaceResult[] }) {
  const words = useWords(protocolWords)
  const { language } = usePreferences()
  const titles = [words.p50, words.p99, words.calls, words.connect, words.up, words.down, words.cpu, words.kept]
  const time = (ms: number) => (Number.isFinite(ms) ? duration(ms, language) : '–')
  return (
    <TableBox label={words.results}>
      <table className="data">
        <Heads columns={[words.protocol, ...titles]} />
        <tbody>
          {results.map(({ lane, p50Ms, p99Ms, runs, failed, connectMs, bytesUp, bytesDown, cpuUs, kept }) => (
            <tr key={lane} data-lane={lane} data-runs={runs}>
              <th scope="row">{words.lanes[lane]}</th>
              <td>{time(p50Ms)}</td>
              <td>{time(p99Ms)}</td>
              <td className={failed > 0 ? 'bad' : undefined}>
                {runs}
                {failed > 0 && ` (${failed} ${words.failed})`}
              </td>
              <td>{time(connectMs)}</td>
              <td>{bytes(bytesUp, language)}</td>
              <td>{bytes(bytesDown, language)}</td>
              <td>{cpuUs === undefined ? '–' : micros(cpuUs, language)}</td>
              <td>{kept}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}
