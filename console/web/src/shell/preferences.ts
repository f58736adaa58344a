/** Language and theme: what the person chose, or what the machine says. Kept in this browser. */
import { useSyncExternalStore } from 'react'

export const languages = ['en', 'ru'] as const
export type Language = (typeof languages)[number]
export type Theme = 'system' | 'light' | 'dark'
type SideBar = 'wide' | 'narrow'
type Shortcuts = 'on' | 'off'

interface Preferences {
  readonly language: Language
  readonly theme: Theme
  /** The navigation at the side: with names, or signs alone. */
  readonly sideBar: SideBar
  /** Whether keys without Ctrl mean something. */
  readonly shortcuts: Shortcuts
}

/** A browser may forbid storage; then the choice lasts as long as the page. */
const stored = {
  get(name: string): string | null {
    try {
      return localStorage.getItem(name)
    } catch {
      return null
    }
  },
  set(name: string, value: string): void {
    try {
      localStorage.setItem(name, value)
    } catch {}
  },
}

const storedTheme = stored.get('svyaz.theme')
let preferences: Preferences = {
  // public/first.js has looked already.
  language: document.documentElement.lang === 'ru' ? 'ru' : 'en',
  theme: storedTheme === 'light' || storedTheme === 'dark' ? storedTheme : 'system',
  sideBar: stored.get('svyaz.side') === 'narrow' ? 'narrow' : 'wide',
  shortcuts: stored.get('svyaz.keys') === 'off' ? 'off' : 'on',
}
const listeners = new Set<() => void>()

function set(next: Preferences): void {
  preferences = next
  for (const listener of listeners) listener()
}

/** Sets the language, now and for later visits. */
export function chooseLanguage(language: Language): void {
  stored.set('svyaz.language', language)
  document.documentElement.lang = language
  set({ ...preferences, language })
}

/** Sets light, dark, or as the system has it, now and for later visits. */
export function chooseTheme(theme: Theme): void {
  stored.set('svyaz.theme', theme)
  if (theme === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = theme
  set({ ...preferences, theme })
}

/** Names beside the signs of the navigation, or not. */
export function chooseSideBar(sideBar: SideBar): void {
  stored.set('svyaz.side', sideBar)
  set({ ...preferences, sideBar })
}

/** Switches shortcuts of a single key on or off. */
export function chooseShortcuts(shortcuts: Shortcuts): void {
  stored.set('svyaz.keys', shortcuts)
  set({ ...preferences, shortcuts })
}

/** All that was chosen; draws again when they change. */
export function usePreferences(): Preferences {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => preferences,
  )
}

/** Texts in every language, all of the same shape; each part of the page brings its own. */
export function useWords<T>(words: Readonly<Record<Language, T>>): T {
  return words[usePreferences().language]
}
