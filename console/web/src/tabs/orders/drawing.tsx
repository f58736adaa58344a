/** What the pictures of a sequence diagram's rows have in common. */
import type { Statements } from '../../../../protocol.ts'
import { duration } from '../../shell/format.ts'
import type { Language } from '../../shell/preferences.ts'
import type { Row } from './diagram.ts'
import type { Layout } from './layout.ts'
import type { OrderWords } from './words.ts'

export interface Drawing {
  readonly layout: Layout
  readonly words: OrderWords
  readonly language: Language
  readonly startedAtMs: number
}

export interface Picture<R extends Row> {
  readonly row: R
  readonly y: number
  readonly drawing: Drawing
}

interface CylinderProps {
  readonly x: number
  readonly y: number
  readonly sql: Statements
  readonly side: number
  readonly drawing: Pick<Drawing, 'words' | 'language'>
}

/** The service's own database, and how many statements it was asked. */
export function Cylinder({ x, y, sql, side, drawing: { words, language } }: CylinderProps) {
  const at = x + (side >= 0 ? 7 : -17)
  return (
    <g className="p-sql" transform={`translate(${at} ${y - 6})`}>
      <title>{words.sql(sql.count, duration(sql.ms, language))}</title>
      <path className="cylinder" d="M0 2.200a4 1.700 0 0 1 8 0v7a4 1.700 0 0 1-8 0zm0 0a4 1.700 0 0 0 8 0" />
      <text x={side >= 0 ? 11 : -3} y="9.500" textAnchor={side >= 0 ? 'start' : 'end'}>
        {sql.count}
      </text>
    </g>
  )
}
