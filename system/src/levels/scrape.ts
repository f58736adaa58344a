/** A look at every instance's `/metrics`, with the labels that Prometheus would give. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** All instances at one moment. */
export interface Scrape {
  readonly atMs: number
  readonly samples: readonly Sample[]
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const label = /([a-zA-Z_]\w*)="((?:\\.|[^"\\])*)"/g
const escapes: Readonly<Record<string, string>> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' }

/**
 * Samples of a page in Prometheus' text format (exposition format 0.0.4).
 * @param target labels of who was asked. What the page says itself goes before them, as with `honor_labels`.
 */
export function parsePage(page: string, target: Readonly<Record<string, string>>): Sample[] {
  return page.split('\n').flatMap((text) => {
    const [, name, inner = '', value] = line.exec(text) ?? []
    if (name === undefined) return []
    const own = [...inner.matchAll(label)].map(([, key = '', raw = '']) => [
      key,
      raw.replaceAll(/\\[\\"n]/g, (found) => escapes[found] ?? found),
    ])
    return [{ name, labels: { ...target, ...Object.fromEntries(own) }, value: numberOf(value ?? '') }]
  })
}

const numberOf = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text))
