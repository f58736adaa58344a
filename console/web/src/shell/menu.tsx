/** The sheet of all pages, for a phone. */
import { AllTabs, Elsewhere } from './navigation.tsx'
import { closeOverlay } from './overlay.ts'
import type { Tab } from './tab.ts'

/** Every page, and the pages elsewhere. */
export default function Menu({ tabs, current }: { tabs: readonly Tab[]; current: Tab | undefined }) {
  return (
    <div className="menu-sheet tabs">
      <AllTabs tabs={tabs} current={current} chosen={closeOverlay} />
      <Elsewhere />
    </div>
  )
}
