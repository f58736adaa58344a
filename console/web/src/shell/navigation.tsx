/** The way to every page: a column at the side, or four places at the bottom of a phone and a sheet with all of them. */
import { useLive } from '../live/use-live.ts'
import { Icon } from './icons.tsx'
import { openOverlay } from './overlay.ts'
import { Link } from './place.tsx'
import { chooseSideBar, usePreferences, useWords } from './preferences.ts'
import { groups, type Tab } from './tab.ts'
import { shellWords } from './words.ts'

interface NavigationProps {
  readonly tabs: readonly Tab[]
  readonly current: Tab | undefined
}

/** The column at the side: names, or signs alone where there is little room or somebody wants it so. */
export function SideBar({ tabs, current }: NavigationProps) {
  const words = useWords(shellWords)
  const { sideBar } = usePreferences()
  return (
    <aside className="side" data-narrow={sideBar === 'narrow' || undefined}>
      <nav className="tabs" aria-label={words.tabs}>
        <AllTabs tabs={tabs} current={current} />
      </nav>
      <Elsewhere />
      <div className="side-foot">
        <button type="button" className="quiet" onClick={() => openOverlay('keys')} title={words.keys}>
          <Icon name="keys" />
          <span className="text">{words.keys}</span>
        </button>
        <button
          type="button"
          className="quiet"
          aria-pressed={sideBar === 'narrow'}
          onClick={() => chooseSideBar(sideBar === 'narrow' ? 'wide' : 'narrow')}
          title={words.narrow}
        >
          <Icon name="side" />
          <span className="text">{words.narrow}</span>
        </button>
      </div>
    </aside>
  )
}

/** The tabs under their headings. @param chosen what happens besides when one is followed */
export function AllTabs({ tabs, current, chosen }: NavigationProps & { readonly chosen?: () => void }) {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  return groups.map((group) => {
    const own = tabs.filter((tab) => tab.group === group)
    return (
      own.length > 0 && (
        <section key={group} aria-label={words.groups[group]}>
          <p className="group" aria-hidden="true">
            {words.groups[group]}
          </p>
          {own.map((tab) => (
            <Link
              key={tab.path}
              href={`/${tab.path}`}
              aria-current={tab === current ? 'page' : undefined}
              title={tab.title[language]}
              {...(chosen === undefined ? {} : { onClick: chosen })}
            >
              <Icon name={tab.icon} />
              <span className="text">{tab.title[language]}</span>
            </Link>
          ))}
        </section>
      )
    )
  })
}

/** How many pages have a place of their own at the bottom of a phone. */
const bottomPlaces = 4

/** On a phone: the first pages within reach of a thumb, and all of them behind "More". */
export function BottomBar({ tabs, current }: NavigationProps) {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  const first = tabs.slice(0, bottomPlaces)
  return (
    <nav className="bottom" aria-label={words.mainTabs}>
      {first.map((tab) => (
        <Link key={tab.path} href={`/${tab.path}`} aria-current={tab === current ? 'page' : undefined}>
          <Icon name={tab.icon} />
          {tab.title[language]}
        </Link>
      ))}
      <button
        type="button"
        className="quiet"
        aria-haspopup="dialog"
        data-current={(current !== undefined && !first.includes(current)) || undefined}
        onClick={() => openOverlay('menu')}
      >
        <Icon name="more" />
        {words.more}
      </button>
    </nav>
  )
}

/** Other pages of the system, on the ports where they are. */
export function Elsewhere() {
  const words = useWords(shellWords)
  const processes = useLive((state) => state.processes)
  const at = (name: string, path: string) => {
    const port = processes.find((process) => process.name === name)?.ports.http
    return port === undefined ? undefined : `${location.protocol}//${location.hostname}:${port}${path}`
  }
  const places = [{ text: words.api, icon: 'api', href: at('gateway-1', '/docs/') }] as const
  return (
    <nav aria-label={words.elsewhere} className="elsewhere">
      {places.map(({ text, icon, href }) =>
        href === undefined ? null : (
          <a key={text} href={href} target="_blank" rel="noreferrer" title={text}>
            <Icon name={icon} />
            <span className="text">{text}</span>
            <Icon name="out" />
          </a>
        ),
      )}
    </nav>
  )
}
