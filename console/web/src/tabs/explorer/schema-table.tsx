/** A schema as a table that people read. */
import type { Schema } from '../../../declared-api.ts'
import { useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { rowsOf } from './fields.ts'
import { explorerWords } from './words.ts'

/** @param title what it is a schema of; the table opens by a touch */
export function SchemaTable({ title, schema }: { title: string; schema: Schema }) {
  const words = useWords(explorerWords)
  const rows = rowsOf(schema)
  if (rows.length === 0) return null
  return (
    <details className="card schema-table">
      <summary>{title}</summary>
      <TableBox className="table-box" label={title}>
        <table className="data">
          <Heads columns={[words.field, words.type, words.meaning].map((text) => ({ words: text }))} />
          <tbody>
            {rows.map(({ name, type, required, description }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td className="words">
                  {type}
                  {required && <span className="hint"> · {words.required}</span>}
                </td>
                <td className="words">{description}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </TableBox>
    </details>
  )
}
