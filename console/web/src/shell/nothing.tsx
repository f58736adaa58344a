/** The page of an address that nothing is at. */
import { Link } from './place.tsx'
import { usePreferences, useWords } from './preferences.ts'
import type { Tab } from './tab.ts'
import { shellWords } from './words.ts'

/** Says that there is nothing here, and where there is something. */
export function Nothing({ path, tabs }: { path: string; tabs: readonly Tab[] }) {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  return (
    <section className="card aside">
      <h2>{words.nothing}</h2>
      <p>{words.nothingAt(path)}</p>
      <ul>
        {tabs.map((tab) => (
          <li key={tab.path}>
            <Link className="button" href={`/${tab.path}`}>
              {tab.title[language]}
            </Link>
          </li>
        ))}
      </ul>
    </section>
  )
}
