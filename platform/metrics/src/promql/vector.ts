/** Instant vectors: what expressions come to at one moment, and how they are grouped. */
import { keyOf, type Labels } from '../series.ts'

export type Element = { readonly labels: Labels; readonly value: number }

export type Value =
  | { readonly kind: 'scalar'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'vector'; readonly elements: readonly Element[] }

/** An instant vector. */
export const vector = (elements: readonly Element[]): Value => ({ kind: 'vector', elements })
/** A number without labels. */
export const scalar = (value: number): Value => ({ kind: 'scalar', value })

/** The labels without the metric's name: what is computed is another metric. */
export function nameless(labels: Labels): Labels {
  if (labels.__name__ === undefined) return labels
  const { __name__, ...rest } = labels
  return rest
}

/** The labels that are named and not empty. */
export function only(labels: Labels, names: readonly string[]): Labels {
  const kept: Record<string, string> = {}
  for (const name of names) {
    const value = labels[name]
    if (value !== undefined && value !== '') kept[name] = value
  }
  return kept
}

/** The labels that aren’t named, without the metric’s name. */
export function without(labels: Labels, names: readonly string[]): Labels {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(labels))
    if (name !== '__name__' && !names.includes(name)) kept[name] = value
  return kept
}

/** Elements by what they have in common. */
export function grouped(
  elements: readonly Element[],
  labelsOf: (labels: Labels) => Labels,
): { readonly labels: Labels; readonly elements: Element[] }[] {
  const groups = new Map<string, { labels: Labels; elements: Element[] }>()
  for (const element of elements) {
    const labels = labelsOf(element.labels)
    const key = keyOf(labels)
    const group = groups.get(key) ?? { labels, elements: [] }
    group.elements.push(element)
    groups.set(key, group)
  }
  return [...groups.values()]
}
