import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'topics',
  group: 'messages',
  rank: 1,
  icon: 'topic',
  letter: 'p',
  places: /^(?:[\w.-]{1,249})?$/,
  title: { en: 'Topics', ru: 'Топики' },
  Page: lazy(() => import('./page.tsx')),
}
