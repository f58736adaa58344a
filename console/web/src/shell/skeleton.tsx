/** What is where a page or a list will be: its place is kept, so that nothing jumps when it comes. */
import { useWords } from './preferences.ts'
import { shellWords } from './words.ts'

/** @param rows how many bars it draws */
export function Skeleton({ rows = 6 }: { rows?: number }) {
  const words = useWords(shellWords)
  return (
    <div className="skeleton" role="status">
      <span className="unseen">{words.loading}</span>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they have nothing but their number
        <i key={row} aria-hidden="true" />
      ))}
    </div>
  )
}
