/** Sagas: every order's course. Which are shown is in the address. */
import { isFinal, type OrderStatus } from '@svyaz/contracts/http/order-terms.ts'
import { useId } from 'react'
import type { SagasAnswer } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { count } from '../../shell/format.ts'
import { go, Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { ages, countOf, pageSize, questionOf } from './question.ts'
import './sagas.css'
import { SagaTable } from './table.tsx'
import { sagaWords } from './words.ts'

const againMs = 3_000
/** Orders counts no further (contracts/http/order-sagas.ts). */
const countedMax = 1_000

/** Chips by status, filters, and the table. */
export default function SagasPage() {
  const words = useWords(sagaWords)
  const asked = useQuery()
  const { answer, refused } = useRead<SagasAnswer>(`/api/sagas?${questionOf(asked)}`, againMs)
  const selection = asked.get('status') ?? 'running'
  return (
    <div className="page sagas-page">
      <Selections chosen={selection} totals={answer?.totals ?? []} />
      <Filters asked={asked} />
      {answer === undefined && refused === undefined && <Skeleton rows={8} />}
      {refused !== undefined && <p className="card gone">{words.gone(refused)}</p>}
      {answer?.sagas.length === 0 && <p className="card gone">{asked.size === 0 ? words.noneRunning : words.none}</p>}
      {answer !== undefined && answer.sagas.length > 0 && <SagaTable sagas={answer.sagas} />}
      <Pages asked={asked} next={answer?.next} />
    </div>
  )
}

const groups = [
  ['running', 'pending', 'processing', 'paid', 'shipped', 'cancelling'],
  ['finished', 'completed', 'rejected', 'cancelled'],
  ['all'],
] as const

function Selections({ chosen, totals }: { chosen: string; totals: SagasAnswer['totals'] }) {
  const words = useWords(sagaWords)
  const { language } = usePreferences()
  const query = useQuery()
  const placeOf = (selection: string) => {
    const to = new URLSearchParams(query)
    to.delete('cursor')
    if (selection === 'running') to.delete('status')
    else to.set('status', selection)
    return to.size === 0 ? '/sagas' : `/sagas?${to}`
  }
  const capped = totals.some((total) => total.count >= countedMax)
  const shown = (selection: string) => {
    const sum = countOf(selection, totals, (status) => isFinal(status as OrderStatus))
    return capped && sum >= countedMax ? words.atLeast(count(sum, language)) : count(sum, language)
  }
  return (
    <nav className="card selections" aria-label={words.selection}>
      {groups.map((group) => (
        <ul key={group[0]}>
          {group.map((selection) => (
            <li key={selection}>
              <Link
                href={placeOf(selection)}
                className="chip"
                aria-current={selection === chosen ? 'true' : undefined}
                data-selection={selection}
              >
                {words.selections[selection]} {totals.length > 0 && <b>{shown(selection)}</b>}
              </Link>
            </li>
          ))}
        </ul>
      ))}
    </nav>
  )
}

function Filters({ asked }: { asked: URLSearchParams }) {
  const words = useWords(sagaWords)
  const id = useId()
  return (
    <search className="card filters">
      <div className="field">
        <label htmlFor={`${id}-sort`}>{words.sort}</label>
        <select
          id={`${id}-sort`}
          value={asked.get('sort') ?? 'newest'}
          onChange={({ target }) =>
            say({ sort: target.value === 'newest' ? undefined : target.value, cursor: undefined })
          }
        >
          {Object.entries(words.sorts).map(([value, text]) => (
            <option key={value} value={value}>
              {text}
            </option>
          ))}
        </select>
      </div>
      <div className="field">
        <label htmlFor={`${id}-age`}>{words.age}</label>
        <select
          id={`${id}-age`}
          value={asked.get('age') ?? ''}
          onChange={({ target }) => say({ age: target.value, cursor: undefined })}
        >
          {ages.map((value) => (
            <option key={value} value={value}>
              {words.ages[value]}
            </option>
          ))}
        </select>
      </div>
    </search>
  )
}

function Pages({ asked, next }: { asked: URLSearchParams; next: string | undefined }) {
  const words = useWords(sagaWords)
  const placeOf = (cursor: string | undefined) => {
    const to = new URLSearchParams(asked)
    if (cursor === undefined) to.delete('cursor')
    else to.set('cursor', cursor)
    return to.size === 0 ? '/sagas' : `/sagas?${to}`
  }
  if (next === undefined && !asked.has('cursor')) return null
  return (
    <p className="pages" data-size={pageSize}>
      {asked.has('cursor') && (
        <button type="button" onClick={() => go(placeOf(undefined))}>
          {words.first}
        </button>
      )}
      {next !== undefined && (
        <button type="button" onClick={() => go(placeOf(next))}>
          {words.next}
        </button>
      )}
    </p>
  )
}
