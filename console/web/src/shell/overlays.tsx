/** What opens over the page: the palette, the map of shortcuts, the sheet of all pages. One at a time. */
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { Guarded } from './failure.tsx'
import { closeOverlay, type Overlay, toggleOverlay, useOverlay } from './overlay.ts'
import { go, usePath } from './place.tsx'
import { usePreferences, useWords } from './preferences.ts'
import { emptyKeys, type Stroke, strokeMeans } from './shortcuts.ts'
import { type Tab, tabOf } from './tab.ts'
import { shellWords } from './words.ts'

const Palette = lazy(() => import('./palette.tsx'))
const KeysSheet = lazy(() => import('./keys-sheet.tsx'))
const Menu = lazy(() => import('./menu.tsx'))
const ActivitySheet = lazy(() => import('./activity-sheet.tsx'))

/** Draws what is open, and listens to the keyboard for the whole page. */
export function Overlays({ tabs }: { tabs: readonly Tab[] }) {
  const words = useWords(shellWords)
  const shown = useOverlay()
  useKeys(tabs)
  const { tab } = tabOf(usePath(), tabs)
  if (shown === undefined) return null
  return (
    <Dialog key={shown} kind={shown} label={words.overlays[shown]}>
      <Guarded>
        <Suspense>
          {shown === 'palette' ? (
            <Palette tabs={tabs} />
          ) : shown === 'keys' ? (
            <KeysSheet tabs={tabs} />
          ) : shown === 'menu' ? (
            <Menu tabs={tabs} current={tab} />
          ) : (
            <ActivitySheet />
          )}
        </Suspense>
      </Guarded>
    </Dialog>
  )
}

/** The browser's own dialog: it keeps the focus inside, closes by Escape, and gives the focus back. */
function Dialog({ kind, label, children }: { kind: Overlay; label: string; children: React.ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the keyboard closes it by Escape
    <dialog
      ref={dialog}
      className={`overlay ${kind}`}
      aria-label={label}
      onClose={closeOverlay}
      onClick={(event) => {
        // Beside it: the backdrop belongs to the element, and what is inside is one box of its size.
        if (event.target === dialog.current) dialog.current?.close()
      }}
    >
      <div className="overlay-box">{children}</div>
    </dialog>
  )
}

/** Where letters are written, or choose. */
const fields = 'input:not([type=radio], [type=checkbox]), select, textarea, [contenteditable]'

const strokeOf = (event: KeyboardEvent): Stroke => ({
  key: event.key,
  command: event.ctrlKey || event.metaKey,
  typing: event.target instanceof HTMLElement && event.target.matches(fields),
  atMs: event.timeStamp,
})

function useKeys(tabs: readonly Tab[]): void {
  const [keys] = useState({ ...emptyKeys })
  const { shortcuts } = usePreferences()
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.isComposing || event.altKey) return
      const letters = new Map(tabs.map((tab) => [tab.letter, `/${tab.path}`]))
      const meaning = strokeMeans(keys, strokeOf(event), letters, shortcuts === 'on')
      keys.wentAtMs = meaning.wentAtMs
      if (meaning.open === undefined && meaning.to === undefined) return
      event.preventDefault()
      if (meaning.open !== undefined) toggleOverlay(meaning.open)
      if (meaning.to !== undefined) {
        closeOverlay()
        go(meaning.to)
        document.querySelector('main')?.focus()
      }
    }
    window.addEventListener('keydown', pressed)
    return () => window.removeEventListener('keydown', pressed)
  }, [keys, tabs, shortcuts])
}
