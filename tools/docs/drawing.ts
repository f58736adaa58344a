/**
 * Boxes and arrows as SVG text. Pages are read on phones too, so a drawing is 480 units wide and as high as it needs;
 * colours follow the reader's scheme. Pure: values in, text out.
 */

export const width = 480

export interface Box {
  readonly x: number
  readonly y: number
  readonly w: number
  readonly h: number
  readonly text: string
  /** A second, smaller line. */
  readonly small?: string
  readonly kind: 'service' | 'topic' | 'queue' | 'engine' | 'outside'
}

export interface Arrow {
  readonly from: readonly [x: number, y: number]
  readonly to: readonly [x: number, y: number]
  readonly label?: string
  /** A message: nobody waits for an answer. */
  readonly dashed?: boolean
  /** Corners on its way. */
  readonly via?: readonly (readonly [x: number, y: number])[]
}

export interface Drawing {
  readonly title: string
  readonly height: number
  readonly boxes: readonly Box[]
  readonly arrows: readonly Arrow[]
  /** Lines of text by themselves. */
  readonly notes?: readonly { readonly x: number; readonly y: number; readonly text: string }[]
}

const escaped = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')

const style = `
    .page { fill: #ffffff }
    text { font: 14px system-ui, sans-serif; fill: #1c2430; text-anchor: middle }
    .small, .label { font-size: 12px; fill: #4a5668 }
    .note { text-anchor: start; font-weight: 600 }
    .label { paint-order: stroke; stroke: #ffffff; stroke-width: 6px }
    rect.service { fill: #e7f0ff; stroke: #2c63c4 }
    rect.topic { fill: #e8f6ec; stroke: #23803f }
    rect.queue { fill: #fff3dd; stroke: #a86400 }
    rect.engine { fill: #f1eef8; stroke: #6a4fb3 }
    rect.outside { fill: #f3f4f6; stroke: #6b7280 }
    path.arrow { fill: none; stroke: #4a5668; stroke-width: 1.5 }
    path.dashed { stroke-dasharray: 5 4 }
    marker path { fill: #4a5668 }
    @media (prefers-color-scheme: dark) {
      .page { fill: #10151d }
      text { fill: #e8edf4 }
      .small, .label { fill: #aab6c6 }
      .label { stroke: #10151d }
      rect.service { fill: #16294a; stroke: #78a6ff }
      rect.topic { fill: #14321f; stroke: #62c983 }
      rect.queue { fill: #3a2a0d; stroke: #f0b35a }
      rect.engine { fill: #271f3d; stroke: #b39cf0 }
      rect.outside { fill: #232a35; stroke: #9aa5b5 }
      path.arrow { stroke: #aab6c6 }
      marker path { fill: #aab6c6 }
    }
  `

/** A picture of boxes and arrows, as SVG that takes the reader's colours. */
export function svg({ title, height, boxes, arrows, notes = [] }: Drawing): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" role="img" aria-label="${escaped(title)}">`,
    `  <title>${escaped(title)}</title>`,
    `  <style>${style}</style>`,
    '  <defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z"/></marker></defs>',
    `  <rect class="page" width="${width}" height="${height}"/>`,
    ...arrows.map(arrowText),
    ...boxes.map(boxText),
    ...arrows.flatMap(labelText),
    ...notes.map(({ x, y, text }) => `  <text class="note" x="${x}" y="${y}">${escaped(text)}</text>`),
    '</svg>',
    '',
  ].join('\n')
}

function arrowText({ from, to, via = [], dashed }: Arrow): string {
  const points = [from, ...via, to].map(([x, y]) => `${x} ${y}`)
  return `  <path class="arrow${dashed ? ' dashed' : ''}" marker-end="url(#head)" d="M${points.join(' L')}"/>`
}

function labelText({ from, to, via = [], label }: Arrow): string[] {
  if (label === undefined) return []
  const points = [from, ...via, to]
  // In the middle of the longest part.
  const parts = points.slice(1).map((end, at) => ({ start: points[at]!, end }))
  const length = ({ start, end }: (typeof parts)[number]) => Math.hypot(end[0] - start[0], end[1] - start[1])
  const { start, end } = parts.toSorted((a, b) => length(b) - length(a))[0]!
  return [
    `  <text class="label" x="${(start[0] + end[0]) / 2}" y="${(start[1] + end[1]) / 2 + 4}">${escaped(label)}</text>`,
  ]
}

function boxText({ x, y, w, h, text, small, kind }: Box): string {
  const middle = x + w / 2
  const round = kind === 'topic' || kind === 'queue' ? h / 2 : 5
  return [
    `  <rect class="${kind}" x="${x}" y="${y}" width="${w}" height="${h}" rx="${round}"/>`,
    `  <text x="${middle}" y="${y + h / 2 + (small === undefined ? 5 : -2)}">${escaped(text)}</text>`,
    ...(small === undefined
      ? []
      : [`  <text class="small" x="${middle}" y="${y + h / 2 + 14}">${escaped(small)}</text>`]),
  ].join('\n')
}
