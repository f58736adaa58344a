/** The map as a table: for whoever reads better than looks, and for screen readers. */
import { decimal, duration } from '../../shell/format.ts'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import type { Graph } from './graph.ts'
import { mapWords } from './words.ts'

/** Every edge over which something passed, the busiest first. */
export function EdgesTable({ graph }: { graph: Graph }) {
  const words = useWords(mapWords)
  const { language } = usePreferences()
  const nameOf = (id: string) => words.names[id] ?? id.replace(/^\w+:/, '')
  const rows = graph.edges
    .flatMap(({ passed, ...edge }) => (passed === undefined || passed.count === 0 ? [] : [{ ...edge, passed }]))
    .sort((a, b) => b.passed.count - a.passed.count)
  return (
    <TableBox className="edges-table" label={words.edgesTable}>
      {rows.length === 0 ? (
        <p className="hint">{words.quiet}</p>
      ) : (
        <table className="data">
          <caption>{words.edgesTable}</caption>
          <Heads columns={[words.from, words.to, words.protocol, words.rate, words.failed, words.median, words.p99]} />
          <tbody>
            {rows.map(({ id, from, to, protocol, passed, breaker }) => (
              <tr key={id}>
                <td>{nameOf(from)}</td>
                <td>{nameOf(to)}</td>
                <td>
                  {words.protocols[protocol]}
                  {breaker !== undefined && <span className="bad"> · {words.breakerIs[breaker]}</span>}
                </td>
                <td>{decimal(passed.ratePerSecond, language)}</td>
                <td className={passed.errors > 0 ? 'bad' : undefined}>
                  {(passed.errorRatio * 100).toLocaleString(language, { maximumFractionDigits: 1 })} %
                </td>
                <td>{duration(passed.p50Ms, language)}</td>
                <td>{duration(passed.p99Ms, language)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </TableBox>
  )
}
