/**
 * Where nodes are and how edges run between them, for a box of any size. Pure. In a wide box the layers are columns from
 * left to right; in a narrow one they are rows from top to bottom. A layer is found from the edges: who comes from
 * outside, whom they call, those whose events many read, the topics, those who mostly read, the world behind.
 */
import type { Graph, MapEdge, MapNode } from './graph.ts'

export interface Box {
  /** Of the middle. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
}

/** A cubic Bézier curve: start, two control points, end. */
export type Curve = readonly [number, number, number, number, number, number, number, number]

export interface Layout {
  readonly tall: boolean
  readonly width: number
  readonly height: number
  readonly boxes: ReadonlyMap<string, Box>
  readonly curves: ReadonlyMap<string, Curve>
}

type Sizes = Readonly<Record<MapNode['kind'], { width: number; height: number }>>

const roomy: Sizes = {
  client: { width: 112, height: 54 },
  service: { width: 144, height: 54 },
  topic: { width: 198, height: 36 },
  queue: { width: 198, height: 36 },
  database: { width: 32, height: 32 },
  external: { width: 150, height: 54 },
}
/** For a phone: two services beside each other. */
const narrow: Sizes = {
  ...roomy,
  service: { width: 128, height: 54 },
  topic: { width: 172, height: 36 },
  queue: { width: 172, height: 36 },
  database: { width: 28, height: 30 },
}
const narrowBelow = 480
const databaseGap = 12
const layersMax = 6
const gapMin = 28
const margin = 20
/** Between the middles of neighbours in a column, at least. */
const rowMin = { topic: 46, card: 78 }

/**
 * @param width of the box in px; @param height likewise: a graph that needs more takes it
 * @param room the width that decides whether layers are columns: a panel that opens beside the map doesn't turn it
 */
export function layoutOf(graph: Graph, width: number, height: number, room = width): Layout {
  const owners = ownersOf(graph)
  const size = room < narrowBelow ? narrow : roomy
  const spans = new Map(graph.nodes.map((node) => [node.id, spanOf(node, owners, size)]))
  const bands = bandsOf(graph, owners)
  const widest = Array.from({ length: layersMax }, (_, at) =>
    Math.max(0, ...bands.flatMap((band) => (band[at] ?? []).map(({ id }) => spans.get(id) ?? 0))),
  )
  const used = widest.filter((one) => one > 0).length
  const needs = widest.reduce((sum, one) => sum + one, 0) + (used - 1) * gapMin + 2 * margin
  const tall = room < needs
  const across = tall ? width : Math.max(width, needs)
  const boxes = tall ? rowsOf(bands, spans, size, across) : columnsOf(bands, widest, size, across, height)
  for (const [database, owner] of owners) placeDatabase(boxes, database, owner, owners, size)
  const bottom = Math.max(0, ...[...boxes.values()].map((box) => box.y + box.height / 2))
  return {
    tall,
    width: across,
    height: Math.max(tall ? 0 : height, bottom + margin),
    boxes,
    curves: new Map(graph.edges.map((edge) => [edge.id, curveOf(edge, boxes, tall)])),
  }
}

/** Each database beside the one that uses it most. */
function ownersOf({ nodes, edges }: Graph): Map<string, string> {
  return new Map(
    nodes
      .filter(({ kind }) => kind === 'database')
      .flatMap(({ id }) => {
        const users = edges.filter(({ to }) => to === id)
        const most = users.toSorted((a, b) => (b.passed?.count ?? 0) - (a.passed?.count ?? 0))[0]
        return most === undefined ? [] : [[id, most.from] as const]
      }),
  )
}

const spanOf = ({ id, kind }: MapNode, owners: ReadonlyMap<string, string>, size: Sizes): number =>
  size[kind].width + ([...owners.values()].includes(id) ? databaseGap + size.database.width : 0)

/** Layers of one band, each in an order in which few edges cross. */
type Band = readonly (readonly MapNode[])[]

/**
 * What has nothing to do with the rest but that the same people call it is a band of its own, below. The largest first;
 * whoever calls from outside is in the first.
 */
function bandsOf({ nodes, edges }: Graph, owners: ReadonlyMap<string, string>): Band[] {
  const group = new Map(nodes.map(({ id }) => [id, id]))
  const rootOf = (id: string): string => {
    const next = group.get(id) ?? id
    return next === id ? id : rootOf(next)
  }
  for (const { from, to } of edges)
    if (from !== 'client' && group.has(from) && group.has(to)) group.set(rootOf(from), rootOf(to))
  const inner = nodes.filter(({ id }) => id !== 'client')
  const parts = [...Map.groupBy(inner, ({ id }) => rootOf(id)).values()].sort((a, b) => b.length - a.length)
  const client = nodes.filter(({ id }) => id === 'client')
  // A node that nothing leads to isn't worth a band.
  const alone = parts.slice(1).filter(({ length }) => length === 1)
  const bands = parts.filter((part) => !alone.includes(part))
  return bands.map((part, at) => layersOf(at === 0 ? [...client, ...part, ...alone.flat()] : part, edges, owners))
}

function layersOf(nodes: readonly MapNode[], edges: readonly MapEdge[], owners: ReadonlyMap<string, string>): Band {
  const free = nodes.filter(({ id }) => !owners.has(id))
  const layerOf = new Map(free.map((node) => [node.id, layerFor(node, free, edges)]))
  const layers = Array.from({ length: layersMax }, (_, at) =>
    free.filter(({ id }) => layerOf.get(id) === at).sort((a, b) => (a.id < b.id ? -1 : 1)),
  )
  return uncrossed(layers, edges)
}

function layerFor(node: MapNode, nodes: readonly MapNode[], edges: readonly MapEdge[]): number {
  if (node.kind === 'client') return 0
  if (isTopic(node)) return 3
  if (node.kind === 'external' || node.kind === 'database') return 5
  if (edges.some(({ from, to }) => from === 'client' && to === node.id)) return 1
  // How many readings come of what it writes: those above the mean set others to work.
  const reach = (id: string) => {
    const topics = edges.filter(({ from, to }) => from === id && to.startsWith('topic:')).map(({ to }) => to)
    return edges.filter(({ from }) => topics.includes(from)).length
  }
  const services = nodes.filter(({ kind }) => kind === 'service')
  const mean = services.reduce((sum, { id }) => sum + reach(id), 0) / Math.max(1, services.length)
  return reach(node.id) > mean ? 2 : 4
}

/** Each node to the middle of its neighbours, a few times over. */
function uncrossed(layers: MapNode[][], edges: readonly MapEdge[]): MapNode[][] {
  let now = layers
  for (let sweep = 0; sweep < 6; sweep += 1) {
    const place = new Map(now.flatMap((layer) => layer.map(({ id }, at) => [id, (at + 0.5) / layer.length] as const)))
    const middle = ({ id }: MapNode) => {
      const near = edges.flatMap(({ from, to }) => (from === id ? [to] : to === id ? [from] : []))
      const places = near.map((other) => place.get(other)).filter((at) => at !== undefined)
      return places.length === 0 ? (place.get(id) ?? 0) : places.reduce((sum, at) => sum + at, 0) / places.length
    }
    now = now.map((layer) => layer.toSorted((a, b) => middle(a) - middle(b)))
  }
  return now
}

const isTopic = ({ kind }: MapNode): boolean => kind === 'topic' || kind === 'queue'
const stepOf = (layer: readonly MapNode[]): number => (layer.every(isTopic) ? rowMin.topic : rowMin.card)
const needOf = (band: Band): number => Math.max(...band.map((layer) => layer.length * stepOf(layer)))

/** Layers beside each other, bands under each other; room that is left is shared out. */
function columnsOf(
  bands: readonly Band[],
  widest: readonly number[],
  size: Sizes,
  width: number,
  height: number,
): Map<string, Box> {
  const used = widest.filter((one) => one > 0).length
  const gap = (width - 2 * margin - widest.reduce((sum, one) => sum + one, 0)) / Math.max(1, used - 1)
  const need = bands.reduce((sum, band) => sum + needOf(band), 0)
  const stretch = Math.min(1.75, Math.max(1, (height - 2 * margin) / need))
  const boxes = new Map<string, Box>()
  let top = Math.max(margin, (height - need * stretch) / 2)
  for (const band of bands) {
    const high = needOf(band) * stretch
    let left = margin
    for (const [at, layer] of band.entries()) {
      const step = Math.min(high / layer.length, stepOf(layer) * 1.9)
      const first = top + high / 2 - (step * layer.length) / 2
      for (const [row, { id, kind }] of layer.entries())
        boxes.set(id, { x: left + size[kind].width / 2, y: first + step * (row + 0.5), ...size[kind] })
      if ((widest[at] ?? 0) > 0) left += (widest[at] ?? 0) + gap
    }
    top += high
  }
  return boxes
}

/** Layers under each other; one that is wider than the box takes several lines. */
function rowsOf(
  bands: readonly Band[],
  spans: ReadonlyMap<string, number>,
  size: Sizes,
  width: number,
): Map<string, Box> {
  const boxes = new Map<string, Box>()
  const inner = width - margin
  let top = margin
  for (const layer of bands.flat().filter(({ length }) => length > 0)) {
    const span = Math.max(...layer.map(({ id }) => spans.get(id) ?? 0))
    const across = Math.max(1, Math.min(layer.length, Math.floor((inner + 10) / (span + 10))))
    const lines = Math.ceil(layer.length / across)
    const perLine = Math.ceil(layer.length / lines)
    for (let line = 0; line < lines; line += 1) {
      const nodes = layer.slice(line * perLine, (line + 1) * perLine)
      const high = Math.max(...nodes.map(({ kind }) => size[kind].height))
      for (const [at, { id, kind }] of nodes.entries()) {
        const own = size[kind]
        // The database at its right is part of what is centred.
        const shift = ((spans.get(id) ?? own.width) - own.width) / 2
        boxes.set(id, { x: margin / 2 + (inner / nodes.length) * (at + 0.5) - shift, y: top + high / 2, ...own })
      }
      top += high + (line === lines - 1 ? 48 : 16)
    }
  }
  return boxes
}

function placeDatabase(
  boxes: Map<string, Box>,
  id: string,
  owner: string,
  owners: ReadonlyMap<string, string>,
  size: Sizes,
): void {
  const beside = boxes.get(owner)
  if (beside === undefined) return
  const own = [...owners].filter(([, other]) => other === owner).map(([database]) => database)
  const x = beside.x + beside.width / 2 + databaseGap + size.database.width / 2
  boxes.set(id, { x, y: beside.y + own.indexOf(id) * (size.database.height + 4), ...size.database })
}

/** From the side that faces the other; there and back run beside each other. */
function curveOf(edge: MapEdge, boxes: ReadonlyMap<string, Box>, tall: boolean): Curve {
  const nowhere = { x: 0, y: 0, width: 0, height: 0 }
  const [from, to] = [boxes.get(edge.from) ?? nowhere, boxes.get(edge.to) ?? nowhere]
  if (edge.to.startsWith('database:')) return straight(from, to)
  return tall ? turned(curve(flipped(from), flipped(to))) : curve(from, to)
}

const flipped = ({ x, y, width, height }: Box): Box => ({ x: y, y: x, width: height, height: width })
const turned = ([a, b, c, d, e, f, g, h]: Curve): Curve => [b, a, d, c, f, e, h, g]

const straight = (from: Box, to: Box): Curve => {
  const [x0, x1] = [from.x + from.width / 2, to.x - to.width / 2]
  return [x0, to.y, x0 + (x1 - x0) / 3, to.y, x0 + ((x1 - x0) * 2) / 3, to.y, x1, to.y]
}

/** How far there and back are apart. */
const laneShift = 5

function curve(from: Box, to: Box): Curve {
  const distance = to.x - from.x
  // In the same layer: out at one side and in again at the same.
  if (Math.abs(distance) < (from.width + to.width) / 2) {
    const side = to.y > from.y ? -1 : 1
    const [x0, x1] = [from.x + (side * from.width) / 2, to.x + (side * to.width) / 2]
    const bulge = side * Math.min(60, 24 + Math.abs(to.y - from.y) * 0.16)
    const [y0, y1] = [from.y + side * laneShift, to.y + side * laneShift]
    return [x0, y0, x0 + bulge, y0, x1 + bulge, y1, x1, y1]
  }
  const side = Math.sign(distance)
  const [x0, x1] = [from.x + (side * from.width) / 2, to.x - (side * to.width) / 2]
  const [y0, y1] = [from.y - side * laneShift, to.y - side * laneShift]
  const reach = Math.max(28, Math.abs(x1 - x0) * 0.46) * side
  return [x0, y0, x0 + reach, y0, x1 - reach, y1, x1, y1]
}

/** The place on a curve. @param t 0 at its start, 1 at its end */
export function pointOn([x0, y0, x1, y1, x2, y2, x3, y3]: Curve, t: number): readonly [number, number] {
  const s = 1 - t
  const [a, b, c, d] = [s * s * s, 3 * s * s * t, 3 * s * t * t, t * t * t]
  return [a * x0 + b * x1 + c * x2 + d * x3, a * y0 + b * y1 + c * y2 + d * y3]
}

/** As SVG writes it. */
export const pathOf = ([x0, y0, x1, y1, x2, y2, x3, y3]: Curve): string =>
  `M${r(x0)} ${r(y0)}C${r(x1)} ${r(y1)} ${r(x2)} ${r(y2)} ${r(x3)} ${r(y3)}`

const r = (value: number): number => Math.round(value * 10) / 10
