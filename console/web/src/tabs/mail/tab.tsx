import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'mail',
  group: 'messages',
  rank: 2,
  icon: 'mail',
  letter: 'x',
  places: /^\d{0,12}$/,
  title: { en: 'Mail', ru: 'Почта' },
  Page: lazy(() => import('./page.tsx')),
}
