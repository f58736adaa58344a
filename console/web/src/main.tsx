import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { live } from './live/connection.ts'
import { Shell } from './shell/shell.tsx'
import { inOrder, type Tab } from './shell/tab.ts'
import './shell/tokens.css'
import './shell/shell.css'

// Every folder in tabs/ is a tab; its page is loaded when it is opened.
const found = import.meta.glob<{ tab: Tab }>('./tabs/*/tab.tsx', { eager: true })
const tabs = inOrder(Object.values(found).map(({ tab }) => tab))

live.start()
const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <Shell tabs={tabs} />
    </StrictMode>,
  )
