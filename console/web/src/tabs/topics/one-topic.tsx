/** One topic: who reads it, and its records from any place on, or as they come. What is looked for is in the address. */
import { useId, useState } from 'react'
import type { TopicView } from '../../../../protocol.ts'
import { useRead } from '../../live/use-read.ts'
import { count } from '../../shell/format.ts'
import { Icon } from '../../shell/icons.tsx'
import { Link, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { kindOf } from './list.tsx'
import { Records } from './records.tsx'
import { topicWords } from './words.ts'
import { WriteRecord } from './write-record.tsx'

const againMs = 4_000

/** @param topic its name */
export function OneTopic({ topic }: { topic: string }) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  const asked = useQuery()
  const [paused, setPaused] = useState(false)
  const { answer } = useRead<{ topics: readonly TopicView[] }>('/api/topics', againMs)
  const view = answer?.topics.find(({ name }) => name === topic)
  const follows = (asked.get('from') ?? 'newest') === 'newest'
  return (
    <div className="page topics-page">
      <header className="card topic-head">
        <Link className="button" href="/topics">
          {words.allTopics}
        </Link>
        <h2>{topic}</h2>
        <p className="hint">
          {words.kinds[kindOf(topic)]}
          {view !== undefined &&
            ` · ${words.records.toLowerCase()}: ${count(view.records, language)} · ${words.partitions.toLowerCase()}: ${view.partitions.length}`}
        </p>
      </header>
      {view !== undefined && <Groups view={view} />}
      <Search asked={asked} partitions={view?.partitions.length ?? 0}>
        {follows && (
          <button type="button" aria-pressed={paused} onClick={() => setPaused(!paused)}>
            <Icon name={paused ? 'start' : 'pause'} />
            {paused ? words.follow : words.pause}
          </button>
        )}
      </Search>
      <Records topic={topic} asked={asked} follow={follows && !paused} />
      {view?.written !== undefined && <WriteRecord topic={topic} written={view.written} />}
    </div>
  )
}

function Groups({ view }: { view: TopicView }) {
  const words = useWords(topicWords)
  const { language } = usePreferences()
  if (view.groups.length === 0) return <p className="card gone">{words.noGroups}</p>
  return (
    <TableBox label={words.readers}>
      <table className="data">
        <Heads columns={[words.group, { words: words.state }, { words: words.members }, words.lag]} />
        <tbody>
          {view.groups.map(({ group, state, members, lag }) => (
            <tr key={group} data-group={group}>
              <th scope="row">{group}</th>
              <td className="words">{state}</td>
              <td className="words">{members.length === 0 ? words.nobody : members.join(', ')}</td>
              <td className={lag > 0 ? 'lag' : undefined}>{count(lag, language)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

interface SearchProps {
  readonly asked: URLSearchParams
  readonly partitions: number
  readonly children: React.ReactNode
}

function Search({ asked, partitions, children }: SearchProps) {
  const words = useWords(topicWords)
  const id = useId()
  const from = asked.get('from') ?? 'newest'
  return (
    <search className="card filters">
      <Select
        id={`${id}-from`}
        label={words.from}
        value={from}
        options={Object.entries(words.froms)}
        choose={(chosen) => say({ from: chosen === 'newest' ? undefined : chosen })}
      />
      {from === 'time' && (
        <Field id={`${id}-time`} name="time" label={words.time} type="datetime-local" asked={asked} />
      )}
      {from === 'offset' && (
        <Field id={`${id}-offset`} name="offset" label={words.offset} type="number" asked={asked} />
      )}
      <Select
        id={`${id}-partition`}
        label={words.partition}
        value={asked.get('partition') ?? ''}
        options={[
          ['', words.anyPartition],
          ...Array.from({ length: partitions }, (_, number): [string, string] => [String(number), String(number)]),
        ]}
        choose={(partition) => say({ partition })}
      />
      <Field id={`${id}-key`} name="key" label={words.key} hint={words.keyHint} type="search" asked={asked} />
      <Field
        id={`${id}-header`}
        name="header"
        label={words.header}
        hint={words.headerHint}
        type="search"
        asked={asked}
      />
      <Field id={`${id}-path`} name="path" label={words.path} hint={words.pathHint} type="search" asked={asked} />
      {children}
    </search>
  )
}

interface SelectProps {
  readonly id: string
  readonly label: string
  readonly value: string
  readonly options: readonly (readonly [string, string])[]
  readonly choose: (value: string) => void
}

const Select = ({ id, label, value, options, choose }: SelectProps) => (
  <div className="field">
    <label htmlFor={id}>{label}</label>
    <select id={id} value={value} onChange={({ target }) => choose(target.value)}>
      {options.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </select>
  </div>
)

interface FieldProps {
  readonly id: string
  readonly name: string
  readonly label: string
  readonly type: 'search' | 'number' | 'datetime-local'
  readonly hint?: string
  readonly asked: URLSearchParams
}

const Field = ({ id, name, label, type, hint, asked }: FieldProps) => (
  <div className="field">
    <label htmlFor={id}>{label}</label>
    <input
      id={id}
      type={type}
      min={type === 'number' ? 0 : undefined}
      step={type === 'datetime-local' ? 1 : undefined}
      maxLength={200}
      placeholder={hint}
      value={asked.get(name) ?? ''}
      onChange={({ target }) => say({ [name]: target.value })}
    />
  </div>
)
