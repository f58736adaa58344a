/** What there is to choose from: a column of links, or one field where there is little room. */
import { useId } from 'react'
import { go, Link } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { explorerWords } from './words.ts'

export interface Choice {
  readonly name: string
  readonly text: string
  /** A mark before it, such as the method. */
  readonly mark?: string
  readonly group: string
}

interface ListProps {
  readonly label: string
  /** Below which the names are: `/explorer/rest`. */
  readonly path: string
  readonly choices: readonly Choice[]
  readonly chosen: string
}

/** @param chosen the name of the one that is shown */
export function List({ label, path, choices, chosen }: ListProps) {
  const words = useWords(explorerWords)
  const id = useId()
  const groups = [...Map.groupBy(choices, ({ group }) => group)]
  const place = (name: string) => `${path}/${name}${asOnly()}`
  return (
    <>
      <nav className="card choices-column" aria-label={label}>
        {groups.map(([group, own]) => (
          <section key={group} aria-label={group}>
            <p className="group" aria-hidden="true">
              {group}
            </p>
            {own.map(({ name, text, mark }) => (
              <Link key={name} href={place(name)} aria-current={name === chosen ? 'page' : undefined}>
                {mark !== undefined && <b data-method={mark}>{mark}</b>}
                <span>{text}</span>
              </Link>
            ))}
          </section>
        ))}
      </nav>
      <div className="card choices-field">
        <label htmlFor={id}>{label}</label>
        <select id={id} value={chosen} onChange={({ target }) => go(place(target.value))}>
          {chosen === '' && <option value="">{words.choose}</option>}
          {groups.map(([group, own]) => (
            <optgroup key={group} label={group}>
              {own.map(({ name, text, mark }) => (
                <option key={name} value={name}>
                  {mark === undefined ? text : `${mark} ${text}`}
                </option>
              ))}
            </optgroup>
          ))}
        </select>
      </div>
    </>
  )
}

/** Of the address, what holds for the next choice too. */
function asOnly(): string {
  const as = new URLSearchParams(location.search).get('as')
  return as === null ? '' : `?as=${as}`
}
