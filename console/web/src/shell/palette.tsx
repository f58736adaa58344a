/** Ctrl-K: type a few letters, Enter goes there. A combobox with a list (ARIA 1.2). */
import { type KeyboardEvent, useEffect, useId, useRef, useState } from 'react'
import { useLive } from '../live/use-live.ts'
import { Icon, type IconName } from './icons.tsx'
import { closeOverlay } from './overlay.ts'
import { findItems, type Item } from './palette-items.ts'
import { go } from './place.tsx'
import { usePreferences, useWords } from './preferences.ts'
import type { Tab } from './tab.ts'
import { shellWords } from './words.ts'

const icons: Record<Item['kind'], IconName> = {
  page: 'map',
  process: 'saga',
  order: 'cart',
  trace: 'trace',
  log: 'log',
  topic: 'topic',
}

/** Finds pages, processes, orders, traces by id, and words in the logs. */
export default function Palette({ tabs }: { tabs: readonly Tab[] }) {
  const words = useWords(shellWords)
  const id = useId()
  const [typed, setTyped] = useState('')
  const [at, setAt] = useState(0)
  const field = useRef<HTMLInputElement>(null)
  // It is loaded after the dialog was opened, which has given the focus to itself.
  useEffect(() => field.current?.focus(), [])
  const all = useItems(tabs)
  const found = findItems(typed, all, new Set(tabs.map(({ path }) => path)), words)
  const chosen = Math.min(at, found.length - 1)
  const take = (item: Item | undefined) => {
    if (item === undefined) return
    closeOverlay()
    go(item.to)
    document.querySelector('main')?.focus()
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0
    if (step !== 0 && found.length > 0) setAt((chosen + step + found.length) % found.length)
    else if (event.key === 'Enter') take(found[chosen])
    else return
    event.preventDefault()
  }
  return (
    <>
      <div className="palette-field">
        <Icon name="search" />
        <input
          ref={field}
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls={`${id}-list`}
          aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
          aria-autocomplete="list"
          aria-label={words.find}
          placeholder={words.findHint}
          autoComplete="off"
          spellCheck={false}
          maxLength={200}
          value={typed}
          onChange={({ target }) => {
            setTyped(target.value)
            setAt(0)
          }}
          onKeyDown={pressed}
        />
      </div>
      <Options id={id} found={found} chosen={chosen} take={take} point={setAt} />
      <p className="hint palette-foot" role="status">
        {found.length === 0 ? words.foundNothing : words.found(found.length)}
      </p>
    </>
  )
}

interface OptionsProps {
  readonly id: string
  readonly found: readonly Item[]
  readonly chosen: number
  readonly take: (item: Item) => void
  readonly point: (index: number) => void
}

function Options({ id, found, chosen, take, point }: OptionsProps) {
  const words = useWords(shellWords)
  return (
    <div role="listbox" id={`${id}-list`} className="palette-list" aria-label={words.overlays.palette}>
      {found.map((item, index) => (
        // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field, which names the active option
        // biome-ignore lint/a11y/useKeyWithClickEvents: the field takes the keys
        <div
          key={`${item.kind} ${item.to}`}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          onClick={() => take(item)}
          onPointerMove={() => point(index)}
        >
          <Icon name={icons[item.kind]} />
          <span className="text">{item.text}</span>
          <span className="hint">{words.kinds[item.kind]}</span>
        </div>
      ))}
    </div>
  )
}

function useItems(tabs: readonly Tab[]): Item[] {
  const words = useWords(shellWords)
  const { language } = usePreferences()
  const processes = useLive((state) => state.processes)
  const orders = useLive((state) => state.orders)
  const services = [...new Set(processes.map(({ service }) => service))]
  return [
    ...tabs.map((tab): Item => {
      const other = tab.title[language === 'en' ? 'ru' : 'en']
      return { kind: 'page', text: tab.title[language], also: other, to: `/${tab.path}` }
    }),
    ...services.map((name): Item => ({ kind: 'process', text: name, also: '', to: `/?node=${name}` })),
    ...processes.map(({ name }): Item => ({ kind: 'log', text: words.logOf(name), also: name, to: `/logs/${name}` })),
    ...orders.map(
      ({ order }): Item => ({
        kind: 'order',
        text: words.openOrder(order.id),
        also: order.status,
        to: `/orders/${order.id}`,
      }),
    ),
  ]
}
