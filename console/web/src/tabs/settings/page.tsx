/** Settings of the applications: what holds and where it comes from, a change with what it differs in, and the history. */
import type { Environment } from '@svyaz/contracts/http/config.ts'
import { useId, useState } from 'react'
import { live } from '../../live/connection.ts'
import { useRead } from '../../live/use-read.ts'
import { clock } from '../../shell/format.ts'
import { notify } from '../../shell/notice.tsx'
import { go, say, useQuery } from '../../shell/place.tsx'
import { usePreferences, useWords } from '../../shell/preferences.ts'
import { Skeleton } from '../../shell/skeleton.tsx'
import { Heads, TableBox } from '../../shell/table-box.tsx'
import { Twice } from '../../shell/twice.tsx'
import './settings.css'
import { readValue, type Setting, settingsOf, type Value, written } from './values.ts'
import { settingWords } from './words.ts'

const againMs = 10_000
/** Those that this system runs in; `default` holds for all. */
const profiles = ['embedded', 'engines', 'default'] as const

/** @param rest of the path: the application; `?profile=` */
export default function SettingsPage({ rest }: { rest: string }) {
  const words = useWords(settingWords)
  const id = useId()
  const application = rest === '' ? 'gateway' : rest
  const asked = useQuery().get('profile')
  const profile = profiles.find((one) => one === asked) ?? 'embedded'
  const { answer } = useRead<{ applications: readonly string[] }>('/api/settings', 0)
  return (
    <div className="page settings-page">
      <search className="card filters">
        <div className="field">
          <label htmlFor={`${id}-application`}>{words.application}</label>
          <select
            id={`${id}-application`}
            value={application}
            onChange={({ target }) => go(`/settings/${target.value}${location.search}`)}
          >
            {(answer?.applications ?? [application]).map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
        <div className="field">
          <label htmlFor={`${id}-profile`}>{words.profile}</label>
          <select id={`${id}-profile`} value={profile} onChange={({ target }) => say({ profile: target.value })}>
            {profiles.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </div>
      </search>
      <Settings key={`${application}/${profile}`} path={`/api/settings/${application}/${profile}`} />
    </div>
  )
}

function Settings({ path }: { path: string }) {
  const words = useWords(settingWords)
  const { answer, refused, again } = useRead<Environment>(path, againMs)
  const history = useRead<readonly Change[]>(`${path}/history`, againMs)
  /** What was written; null: back to what is shipped. */
  const [edits, setEdits] = useState<Readonly<Record<string, string | null>>>({})
  const edit = (name: string, text: string | null | undefined) =>
    setEdits(({ [name]: _, ...others }) => (text === undefined ? others : { ...others, [name]: text }))
  if (answer === undefined)
    return refused === undefined ? <Skeleton rows={8} /> : <p className="card gone">{words.away(refused)}</p>
  const settings = settingsOf(answer)
  if (settings.length === 0) return <p className="card gone">{words.none}</p>
  const done = () => {
    setEdits({})
    again()
    history.again()
  }
  return (
    <>
      <Table settings={settings} edits={edits} edit={edit} />
      <Difference path={path} settings={settings} edits={edits} done={done} discard={() => setEdits({})} />
      <History changes={history.answer} />
    </>
  )
}

interface TableProps {
  readonly settings: readonly Setting[]
  readonly edits: Readonly<Record<string, string | null>>
  readonly edit: (name: string, text: string | null | undefined) => void
}

function Table({ settings, edits, edit }: TableProps) {
  const words = useWords(settingWords)
  return (
    <TableBox label={words.property}>
      <table className="data">
        <Heads columns={[words.property, { words: words.value }, { words: words.from }, { words: words.shipped }]} />
        <tbody>
          {settings.map(({ name, value, from, shipped }) => (
            <tr key={name} data-setting={name} data-from={from}>
              <th scope="row">{name}</th>
              <td className="words">
                <input
                  type="text"
                  aria-label={words.change(name)}
                  value={edits[name] === null ? written(shipped) : (edits[name] ?? written(value))}
                  onChange={({ target }) => edit(name, target.value === written(value) ? undefined : target.value)}
                />
              </td>
              <td className="words">{words.froms[from]}</td>
              <td className="words">
                {from === 'profile' ? (
                  <button type="button" aria-label={words.back(name)} onClick={() => edit(name, null)}>
                    {written(shipped)}
                  </button>
                ) : (
                  <span className="hint">{written(shipped)}</span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </TableBox>
  )
}

interface DifferenceProps {
  readonly path: string
  readonly settings: readonly Setting[]
  readonly edits: Readonly<Record<string, string | null>>
  readonly done: () => void
  readonly discard: () => void
}

function Difference({ path, settings, edits, done, discard }: DifferenceProps) {
  const words = useWords(settingWords)
  const id = useId()
  const [why, setWhy] = useState('')
  const changed = settings.filter(({ name }) => edits[name] !== undefined)
  const save = async () => {
    const properties: Record<string, Value> = {}
    for (const { name, value, shipped } of changed) {
      const text = edits[name] ?? null
      try {
        properties[name] = text === null ? null : readValue(text, shipped ?? value)
      } catch {
        return notify(words.notJson(name))
      }
    }
    try {
      await live.configure(path, { properties, ...(why.trim() === '' ? {} : { comment: why.trim() }) })
      notify(words.saved, 'good')
      setWhy('')
      done()
    } catch (error) {
      notify(words.refused(error))
    }
  }
  return (
    <section className="card difference" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{words.differs}</h2>
      {changed.length === 0 && <p className="hint">{words.nothing}</p>}
      <ul>
        {changed.map(({ name, value }) => (
          <li key={name}>
            <code>{name}</code> <del>{written(value)}</del> <ins>{edits[name] ?? words.removed}</ins>
          </li>
        ))}
      </ul>
      {changed.length > 0 && (
        <div className="buttons">
          <label htmlFor={`${id}-why`}>{words.why}</label>
          <input
            id={`${id}-why`}
            type="text"
            maxLength={300}
            placeholder={words.whyHint}
            value={why}
            onChange={({ target }) => setWhy(target.value)}
          />
          <Twice icon="settings" text={words.save} really={words.reallySave} act={save} />
          <button type="button" className="quiet" onClick={discard}>
            {words.discard}
          </button>
        </div>
      )}
    </section>
  )
}

/** As the config service tells it. */
interface Change {
  readonly name: string
  readonly value: Value
  readonly at: string
  readonly by: string
  readonly comment?: string
}

const rowsShown = 50

function History({ changes }: { changes: readonly Change[] | undefined }) {
  const words = useWords(settingWords)
  const { language } = usePreferences()
  if (changes === undefined) return <Skeleton rows={3} />
  return (
    <TableBox label={words.history} className="card table-box history">
      <h2>{words.history}</h2>
      {changes.length === 0 ? (
        <p className="hint">{words.noHistory}</p>
      ) : (
        <table className="data">
          <Heads
            columns={[words.at, words.property, words.value, words.by, words.comment].map((title) => ({
              words: title,
            }))}
          />
          <tbody>
            {changes.slice(0, rowsShown).map(({ name, value, at, by, comment }) => (
              <tr key={`${at} ${name}`}>
                <td className="words">{clock(at, language)}</td>
                <td className="words">{name}</td>
                <td className="words">{value === null ? words.removed : written(value)}</td>
                <td className="words">{by}</td>
                <td className="words">{comment}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </TableBox>
  )
}
