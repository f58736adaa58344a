import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'logs',
  places: /^[\w-]*$/,
  rank: 90,
  title: { en: 'Logs', ru: 'Журналы' },
  Page: lazy(() => import('./page.tsx')),
}
