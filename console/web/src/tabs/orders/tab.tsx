import { lazy } from 'react'
import type { Tab } from '../../shell/tab.ts'

export const tab: Tab = {
  path: 'orders',
  group: 'watch',
  rank: 2,
  icon: 'cart',
  letter: 'o',
  places: /^[\w-]*$/,
  title: { en: 'Orders', ru: 'Заказы' },
  Page: lazy(() => import('./page.tsx')),
}
