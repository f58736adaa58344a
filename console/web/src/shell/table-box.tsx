/** What may be wider than the window, in a box of its own that scrolls, by the keyboard too. */
import type { ReactNode } from 'react'

interface TableBoxProps {
  /** Its name for screen readers. */
  readonly label: string
  /** Another look than that of a card with a table. */
  readonly className?: string
  readonly children: ReactNode
}

/** A card around a table. */
export const TableBox = ({ label, className = 'card table-box', children }: TableBoxProps) => (
  // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
  <section className={className} aria-label={label} tabIndex={0}>
    {children}
  </section>
)

interface HeadsProps {
  /** Titles; of columns that hold words in place of figures, as such. */
  readonly columns: readonly (string | { readonly words: string })[]
}

/** The heads of a table's columns. */
export const Heads = ({ columns }: HeadsProps) => (
  <thead>
    <tr>
      {columns.map((column) =>
        typeof column === 'string' ? (
          <th key={column} scope="col">
            {column}
          </th>
        ) : (
          <th key={column.words} scope="col" className="words">
            {column.words}
          </th>
        ),
      )}
    </tr>
  </thead>
)
