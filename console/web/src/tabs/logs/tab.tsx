import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'logs',
  group: 'watch',
  rank: 4,
  icon: 'log',
  letter: 'l',
  places: /^[\w-]*$/,
  title: { en: 'Logs', ru: 'Журналы' },
  Page: lazy(() => import('./page.tsx')),
}
