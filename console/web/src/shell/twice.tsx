/** A button for what can't be taken back: the first touch says what would happen, the second does it. */
import { type MouseEvent, useEffect, useState } from 'react'
import { Icon, type IconName } from './icons.tsx'

/** How long the second touch is waited for. */
const armedForMs = 5_000

interface TwiceProps {
  readonly icon: IconName
  readonly text: string
  /** What the second touch is asked with. */
  readonly really: string
  readonly disabled?: boolean
  readonly act: () => Promise<unknown>
}

/** @param act is waited for; it says itself what went wrong */
export function Twice({ icon, text, really, disabled = false, act }: TwiceProps) {
  const [busy, setBusy] = useState(false)
  const [armed, setArmed] = useState(false)
  useEffect(() => {
    if (!armed) return
    const timer = setTimeout(() => setArmed(false), armedForMs)
    return () => clearTimeout(timer)
  }, [armed])
  const touched = ({ detail }: MouseEvent) => {
    // The second half of a double click is not a second thought.
    if (armed && detail === 2) return
    setArmed(!armed)
    if (!armed) return
    setBusy(true)
    void act().finally(() => setBusy(false))
  }
  return (
    <button
      type="button"
      className={armed ? 'kill armed' : 'danger'}
      disabled={disabled || busy}
      aria-busy={busy}
      onClick={touched}
      onKeyDown={({ key }) => key === 'Escape' && setArmed(false)}
      onBlur={() => setArmed(false)}
    >
      <Icon name={icon} />
      {armed ? really : text}
    </button>
  )
}
