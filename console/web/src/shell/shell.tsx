/** What stands around every tab: name, sections, how the system is, links, language, theme. */
import { Suspense, useEffect, useRef } from 'react'
import { useLive } from '../live/use-live.ts'
import { reloadIfNewer } from './build.ts'
import { Guarded } from './failure.tsx'
import { Icon } from './icons.tsx'
import { Nothing } from './nothing.tsx'
import { Notice } from './notice.tsx'
import { Link, usePath } from './place.tsx'
import {
  chooseLanguage,
  chooseTheme,
  type Language,
  languages,
  type Theme,
  usePreferences,
  useWords,
} from './preferences.ts'
import { type Tab, tabOf } from './tab.ts'
import { shellWords } from './words.ts'

/** The frame around every tab: header, navigation, notices. */
export function Shell({ tabs }: { tabs: readonly Tab[] }) {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  const path = usePath()
  const { tab, rest } = tabOf(path, tabs)
  useReloadAfterUpgrade()
  useEffect(() => {
    document.title = `${tab === undefined ? words.nothing : tab.title[language]} · Svyaz`
  }, [tab, language, words])
  return (
    <>
      <a className="skip" href="#content">
        {words.skip}
      </a>
      <header className="bar">
        <Link className="brand" href="/">
          <img src="/icon.svg" alt="" width="26" height="26" />
          Svyaz
        </Link>
        <nav aria-label={words.tabs} className="tabs">
          {tabs.map((other) => (
            <Link key={other.path} href={`/${other.path}`} aria-current={other === tab ? 'page' : undefined}>
              {other.title[language]}
            </Link>
          ))}
        </nav>
        <SystemState />
        <Elsewhere />
        <Choices />
      </header>
      <main id="content" tabIndex={-1}>
        <h1 className="unseen">{tab === undefined ? words.nothing : tab.title[language]}</h1>
        {tab === undefined ? (
          <Nothing path={path} tabs={tabs} />
        ) : (
          <Guarded key={tab.path}>
            <Suspense>
              <tab.Page rest={rest} />
            </Suspense>
          </Guarded>
        )}
      </main>
      <Notice close={words.close} />
    </>
  )
}

/** A server that comes back may have another build, whose messages this one may not know. */
function useReloadAfterUpgrade(): void {
  const connection = useLive((state) => state.connection)
  const before = useRef(connection)
  useEffect(() => {
    if (connection === 'open' && before.current === 'lost') void reloadIfNewer()
    before.current = connection
  }, [connection])
}

/** How many of the processes that should run are ready. */
function SystemState() {
  const words = useWords(shellWords)
  const connection = useLive((state) => state.connection)
  const supervised = useLive((state) => state.supervised)
  const processes = useLive((state) => state.processes)
  const ready = processes.filter(({ status }) => status === 'ready').length
  const [look, text] =
    connection === 'opening'
      ? (['busy', words.opening] as const)
      : connection === 'lost'
        ? (['bad', words.lost] as const)
        : !supervised
          ? (['busy', words.unsupervised] as const)
          : ([ready === processes.length ? 'good' : 'busy', words.ready(ready, processes.length)] as const)
  return (
    <p className="system-state" role="status">
      <span className={`dot ${look}`} />
      <span className="long">{text}</span>
      {connection === 'open' && supervised && (
        <span className="short" aria-hidden="true">
          {ready}/{processes.length}
        </span>
      )}
    </p>
  )
}

/** Other pages of the system, on the ports where they are. */
function Elsewhere() {
  const words = useWords(shellWords)
  const processes = useLive((state) => state.processes)
  const at = (name: string, path: string) => {
    const port = processes.find((process) => process.name === name)?.ports.http
    return port === undefined ? undefined : `${location.protocol}//${location.hostname}:${port}${path}`
  }
  const places = [
    { text: words.api, href: at('gateway-1', '/docs/') },
    { text: words.mails, href: at('mail-sink-1', '/') },
  ]
  return (
    <nav aria-label={words.elsewhere} className="elsewhere">
      {places.map(({ text, href }) =>
        href === undefined ? null : (
          <a key={text} href={href} target="_blank" rel="noreferrer">
            {text}
            <Icon name="out" />
          </a>
        ),
      )}
    </nav>
  )
}

const themeIcons = { system: 'auto', light: 'sun', dark: 'moon' } as const

function Choices() {
  const words = useWords(shellWords)
  const { language, theme } = usePreferences()
  const next: Record<Theme, Theme> = { system: 'light', light: 'dark', dark: 'system' }
  return (
    <div className="choices">
      <fieldset className="switch">
        <legend className="unseen">{words.language}</legend>
        {languages.map((other) => (
          <label key={other}>
            <input
              type="radio"
              name="language"
              value={other}
              checked={other === language}
              onChange={() => chooseLanguage(other as Language)}
            />
            <span lang={other}>{other === 'en' ? 'EN' : 'РУ'}</span>
          </label>
        ))}
      </fieldset>
      <button
        type="button"
        className="quiet square"
        onClick={() => chooseTheme(next[theme])}
        aria-label={`${words.theme}: ${words.themes[theme]}`}
        title={`${words.theme}: ${words.themes[theme]}`}
      >
        <Icon name={themeIcons[theme]} />
      </button>
    </div>
  )
}
