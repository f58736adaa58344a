/** What stands around every tab: name, navigation, how the system is, the palette, language, theme. */
import { Suspense, useEffect, useRef } from 'react'
import { useLive } from '../live/use-live.ts'
import { reloadIfNewer } from './build.ts'
import { Guarded } from './failure.tsx'
import { Icon } from './icons.tsx'
import { BottomBar, SideBar } from './navigation.tsx'
import { Nothing } from './nothing.tsx'
import { Notice } from './notice.tsx'
import { openOverlay } from './overlay.ts'
import { Overlays } from './overlays.tsx'
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
import { Skeleton } from './skeleton.tsx'
import { type Tab, tabOf } from './tab.ts'
import { Who } from './who.tsx'
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
          <span>Svyaz</span>
        </Link>
        <FindButton />
        <SystemState />
        <ActivityButton />
        <Choices />
        <Who />
      </header>
      <SideBar tabs={tabs} current={tab} />
      <main id="content" tabIndex={-1} className={tab?.whole === true ? 'whole' : undefined}>
        <h1 className="unseen">{tab === undefined ? words.nothing : tab.title[language]}</h1>
        {tab === undefined ? (
          <Nothing path={path} tabs={tabs} />
        ) : (
          <Guarded key={tab.path}>
            <Suspense fallback={<Skeleton />}>
              <tab.Page rest={rest} />
            </Suspense>
          </Guarded>
        )}
      </main>
      <BottomBar tabs={tabs} current={tab} />
      <Overlays tabs={tabs} />
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

function FindButton() {
  const words = useWords(shellWords)
  return (
    <button type="button" className="find" onClick={() => openOverlay('palette')} aria-keyshortcuts="Control+K">
      <Icon name="search" />
      <span className="long">{words.find}</span>
      <kbd>{navigator.platform.startsWith('Mac') ? '⌘K' : 'Ctrl K'}</kbd>
    </button>
  )
}

function ActivityButton() {
  const words = useWords(shellWords)
  return (
    <button
      type="button"
      className="quiet square"
      onClick={() => openOverlay('activity')}
      aria-label={words.overlays.activity}
      title={words.overlays.activity}
    >
      <Icon name="list" />
    </button>
  )
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
