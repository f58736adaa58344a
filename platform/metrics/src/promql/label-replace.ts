/** `label_replace`: a label made of parts of another. */
import { Pattern } from '../pattern.ts'
import type { Element } from './vector.ts'

/**
 * @param to the label that is made, `by` its value with `$1` and `${name}` in it, `from` the label that `pattern` is held to
 * @returns the elements; those that the pattern doesn't hold for are left as they are
 * @throws SyntaxError for a pattern that isn't one
 */
export function labelReplace(
  elements: readonly Element[],
  [to = '', by = '', from = '', source = '']: readonly string[],
): Element[] {
  const pattern = new Pattern(source)
  return elements.map(({ labels, value }) => {
    const found = pattern.exec(labels[from] ?? '')
    if (found === undefined) return { labels, value }
    const text = by.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, long?: string, short?: string) => {
      const name = long ?? short ?? ''
      return found[/^\d+$/.test(name) ? Number(name) : pattern.names.indexOf(name)] ?? ''
    })
    const { [to]: _, ...rest } = labels
    return { labels: text === '' ? rest : { ...rest, [to]: text }, value }
  })
}
