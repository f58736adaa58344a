import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'settings',
  group: 'system',
  rank: 1,
  icon: 'settings',
  letter: 'c',
  places: /^(?:[a-z][a-z0-9-]{0,62})?$/,
  title: { en: 'Configuration', ru: 'Настройки' },
  Page: lazy(() => import('./page.tsx')),
}
