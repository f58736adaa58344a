/** A button that does something to processes. What can't be taken back asks for a second touch. */
import { type KeyboardEvent, type MouseEvent, useEffect, useState } from 'react'
import type { Action } from '../../../../protocol.ts'
import { live } from '../../live/connection.ts'
import { Icon, type IconName } from '../../shell/icons.tsx'
import { notify } from '../../shell/notice.tsx'
import { useWords } from '../../shell/preferences.ts'
import { orderWords } from './words.ts'

/** How long the second touch is waited for. */
const armedForMs = 5_000

interface ActProps {
  readonly action: Action
  readonly target: string
  readonly icon?: IconName
  readonly label?: string
  readonly disabled?: boolean
  /** With its word, not only its sign. */
  readonly text?: boolean
}

/** Kill is done by the second touch, everything else by the first. */
export function Act({ action, target, icon, label, disabled = false, text = false }: ActProps) {
  const words = useWords(orderWords)
  const [busy, setBusy] = useState(false)
  const [armed, setArmed] = useState(false)
  useEffect(() => {
    if (!armed) return
    const timer = setTimeout(() => setArmed(false), armedForMs)
    return () => clearTimeout(timer)
  }, [armed])
  const act = async () => {
    setBusy(true)
    try {
      await live.act(action, target)
    } catch (error) {
      notify(words.refused(error))
    } finally {
      setBusy(false)
    }
  }
  const touched = ({ detail }: MouseEvent) => {
    if (action !== 'kill') return void act()
    // The second half of a double click is not a second thought.
    if (armed && detail === 2) return
    setArmed(!armed)
    if (armed) void act()
  }
  const pressed = (event: KeyboardEvent) => {
    if (event.key === 'Escape') setArmed(false)
    // Nor is a key that is held.
    if (event.repeat && event.key !== 'Tab') event.preventDefault()
  }
  const plain = label ?? words.act(words.actions[action] ?? action, target)
  const name = armed ? words.reallyKill(target) : plain
  const square = !text && !armed
  return (
    <button
      type="button"
      className={`${action === 'kill' ? 'kill ' : 'quiet '}${square ? 'square' : ''}${armed ? ' armed' : ''}`}
      disabled={disabled}
      aria-busy={busy}
      aria-label={name}
      title={name}
      onClick={touched}
      onKeyDown={pressed}
      onBlur={() => setArmed(false)}
    >
      <Icon name={icon ?? (action === 'kill' ? 'kill' : 'restart')} />
      {armed ? words.killNow : text && words.actions[action]}
    </button>
  )
}
