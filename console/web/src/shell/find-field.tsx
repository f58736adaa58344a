/** Where a page is asked for what holds these words. */
import { useId } from 'react'

interface FindFieldProps {
  readonly label: string
  readonly hint: string
  readonly value: string
  readonly find: (text: string) => void
  /** Whether it takes what room is left. */
  readonly wide?: boolean
}

/** A search field with its label. */
export function FindField({ label, hint, value, find, wide = false }: FindFieldProps) {
  const id = useId()
  return (
    <div className={wide ? 'field wide' : 'field'}>
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        type="search"
        maxLength={200}
        placeholder={hint}
        value={value}
        onChange={({ target }) => find(target.value)}
      />
    </div>
  )
}
