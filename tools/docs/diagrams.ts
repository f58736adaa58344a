/** The diagrams of docs/, drawn from the lists that the system itself runs by. Each gives an SVG and its Mermaid source. */
import { topics } from '../../contracts/index.ts'
import { serviceNames } from '../../contracts/vocabulary.ts'
import { relayLoop, topology } from '../../system/topology.ts'
import { type Arrow, type Box, type Drawing, svg, width } from './drawing.ts'
import { callsBetweenServices, callsByAddress, callsOfRoutes, withDatabase } from './source.ts'

/** A link of the picture, for its source. */
interface Link {
  readonly from: string
  readonly to: string
  readonly label?: string
  readonly message?: boolean
}

export interface Diagram {
  /** File name without ending. */
  readonly name: string
  readonly drawing: Drawing
  readonly links: readonly Link[]
  /** What is in what, where the picture has layers. */
  readonly groups?: readonly { readonly title: string; readonly names: readonly string[] }[]
}

const rowHeight = 34
const gap = 8

/** writer → topic → readers, a block a topic. */
export function publishSubscribe(): Diagram {
  const shown = topics.filter(({ kind }) => kind === 'event')
  const boxes: Box[] = []
  const arrows: Arrow[] = []
  const links: Link[] = []
  let y = 12
  for (const { name, writer, readers, events } of shown) {
    const listed = serviceNames.every((one) => readers.includes(one)) ? ['every service'] : readers
    const block = listed.length * rowHeight - gap
    const middle = y + block / 2
    boxes.push({ x: 8, y: middle - 15, w: 104, h: 30, text: writer, kind: 'service' })
    boxes.push({
      x: 148,
      y: middle - 20,
      w: 172,
      h: 40,
      text: name,
      small: `${Object.keys(events).length} kinds of event`,
      kind: 'topic',
    })
    arrows.push({ from: [112, middle], to: [148, middle], dashed: true })
    links.push({ from: writer, to: name, message: true })
    for (const [at, reader] of listed.entries()) {
      const top = y + at * rowHeight
      boxes.push({ x: 364, y: top, w: 108, h: rowHeight - gap, text: reader, kind: 'service' })
      arrows.push({ from: [320, middle], to: [364, top + (rowHeight - gap) / 2], dashed: true })
      links.push({ from: name, to: reader, message: true })
    }
    y += Math.max(block, 40) + 22
  }
  return {
    name: 'publish-subscribe',
    links,
    drawing: { title: 'Publish/subscribe: each reader gets every event', height: y, boxes, arrows },
  }
}

/** writer → queue → one of the workers. */
export function pointToPoint(): Diagram {
  const [queue] = topics.filter(({ kind }) => kind === 'task')
  if (queue === undefined) throw new Error('no topic is a queue')
  const [reader = ''] = queue.readers
  const workers = topology.processes.find(({ name }) => name === reader)?.instances ?? 1
  const partitions = Array.from({ length: queue.partitions }, (_, at) => at)
  const ownerOf = (partition: number) => Math.floor((partition * workers) / queue.partitions)
  const top = 64
  const step = 30
  const bottom = top + partitions.length * step
  const workerY = (at: number) => top + ((at + 0.5) * partitions.length * step) / workers - 24
  const boxes: Box[] = [
    { x: 8, y: (top + bottom) / 2 - 24, w: 100, h: 40, text: queue.writer, kind: 'service' },
    ...partitions.map(
      (at): Box => ({ x: 176, y: top + at * step, w: 128, h: step - 6, text: `partition ${at}`, kind: 'queue' }),
    ),
    ...Array.from(
      { length: workers },
      (_, at): Box => ({ x: 372, y: workerY(at), w: 100, h: 40, text: `${reader}-${at + 1}`, kind: 'service' }),
    ),
  ]
  const arrows = partitions.flatMap((at): Arrow[] => {
    const middle = top + at * step + (step - 6) / 2
    return [
      { from: [108, (top + bottom) / 2 - 4], to: [176, middle], dashed: true },
      { from: [304, middle], to: [372, workerY(ownerOf(at)) + 20], dashed: true },
    ]
  })
  return {
    name: 'point-to-point',
    links: [
      { from: queue.writer, to: queue.name, label: `key: ${queue.key}`, message: true },
      ...Array.from({ length: workers }, (_, at) => ({ from: queue.name, to: `${reader}-${at + 1}`, message: true })),
    ],
    drawing: {
      title: 'Point-to-point: each task goes to exactly one worker',
      height: bottom + 14,
      boxes,
      arrows,
      notes: [
        { x: 8, y: 24, text: `${queue.name}: ${Object.keys(queue.events).join(', ')}` },
        { x: 8, y: 46, text: `key: ${queue.key}; group payment-workers` },
      ],
    },
  }
}

/** The relay loop, top to bottom and back. */
export function relay(): Diagram {
  const chain = [
    { name: 'MC1', small: 'makes and stamps the message', next: 'WebSocket' },
    { name: 'MC2', small: 'stamps it', next: 'produce' },
    { name: 'relay.messages', small: 'Kafka topic', next: 'consume' },
    { name: 'MC3', small: 'stamps it', next: '' },
  ]
  const x = 130
  const w = 220
  const y = (at: number) => 20 + at * 96
  const kindOf = (name: string): Box['kind'] => (name.includes('.') ? 'topic' : 'service')
  const last = y(chain.length - 1)
  const boxes: Box[] = [
    ...chain.map(({ name, small }, at): Box => ({ x, y: y(at), w, h: 46, text: name, small, kind: kindOf(name) })),
    { x: x, y: last + 96, w, h: 46, text: 'PostgreSQL', small: 'a row a message', kind: 'engine' },
  ]
  const middle = x + w / 2
  const arrows: Arrow[] = [
    ...chain
      .slice(0, -1)
      .map(
        ({ next }, at): Arrow => ({ from: [middle, y(at) + 46], to: [middle, y(at + 1)], label: next, dashed: at > 0 }),
      ),
    {
      from: [x, last + 23],
      via: [
        [60, last + 23],
        [60, 43],
      ],
      to: [x, 43],
      label: 'HTTP POST',
    },
    {
      from: [x + w, 43],
      via: [
        [420, 43],
        [420, last + 119],
      ],
      to: [x + w, last + 119],
      label: 'end, INSERT',
    },
  ]
  return {
    name: 'relay',
    links: [
      { from: 'MC1', to: 'MC2', label: 'WebSocket' },
      { from: 'MC2', to: 'relay.messages', label: 'produce', message: true },
      { from: 'relay.messages', to: 'MC3', label: 'consume', message: true },
      { from: 'MC3', to: 'MC1', label: 'HTTP POST' },
      { from: 'MC1', to: 'PostgreSQL', label: 'INSERT' },
    ],
    drawing: { title: 'The relay loop: MC1, MC2, MC3 and back', height: last + 158, boxes, arrows },
  }
}

/**
 * Every process in its layer. Arrows between layers say what is spoken by some of the one to some of the other; who with
 * whom is in docs/interactions.md, drawn from the same lists.
 */
export function architecture(): Diagram {
  const of = (...kinds: string[]) =>
    topology.processes.filter(({ kind }) => kinds.includes(kind)).map(({ name }) => name)
  const edge = ['gateway', ...of('console')]
  const loop = relayLoop.filter((name) => of('service').includes(name) && name.startsWith('mc'))
  const services = of('service').filter((name) => !edge.includes(name) && !loop.includes(name))
  const layers: { title: string; names: readonly string[]; kind: Box['kind'] }[] = [
    { title: 'Clients', names: ['browser', 'programs'], kind: 'outside' },
    { title: 'Edge', names: edge, kind: 'service' },
    { title: 'Services', names: services, kind: 'service' },
    { title: 'The world around', names: of('outside'), kind: 'outside' },
    { title: 'Relay loop', names: loop, kind: 'service' },
    { title: 'What carries them', names: of('platform', 'engine'), kind: 'engine' },
  ]
  // Protocols of the calls from one layer to another, from the lists of calls.
  const calls = [...callsOfRoutes(), ...callsBetweenServices(), ...callsByAddress()]
  const spoken = (from: readonly string[], to: readonly string[]) =>
    [...new Set(calls.filter((call) => from.includes(call.from) && to.includes(call.to)).map((call) => call.protocol))]
      .sort()
      .join(', ')
  const outside = of('outside')
  const carried = 'Kafka, Consul HTTP, OTLP'
  const links: Link[] = [
    { from: 'Clients', to: 'Edge', label: 'HTTP, WebSocket' },
    { from: 'Edge', to: 'Services', label: spoken(edge, services) },
    { from: 'Services', to: 'The world around', label: spoken(services, outside) },
    { from: 'Edge', to: 'Relay loop', label: spoken(['console'], loop) },
    { from: 'Edge', to: 'What carries them', label: carried },
    { from: 'Services', to: 'What carries them', label: `${carried}, SQL` },
    {
      from: 'Relay loop',
      to: 'What carries them',
      label: `${carried}, SQL of ${loop.filter((name) => withDatabase().includes(name)).join()}`,
    },
  ]
  return {
    name: 'architecture',
    links,
    groups: layers,
    drawing: { title: 'Every process, by layer', ...inLayers(layers, links) },
  }
}

/** Layers one below the other; a link to the next one is an arrow between, any other goes by a lane at the right. */
function inLayers(
  layers: readonly { readonly title: string; readonly names: readonly string[]; readonly kind: Box['kind'] }[],
  links: readonly Link[],
): Omit<Drawing, 'title'> {
  const columns = 3
  const lane = 22
  const far = links.filter(({ from, to }) => titleAt(layers, to) - titleAt(layers, from) !== 1)
  const right = width - 8 - far.length * lane
  const w = (right - 8 - (columns - 1) * 10) / columns
  const boxes: Box[] = []
  const notes: { x: number; y: number; text: string }[] = []
  const arrows: Arrow[] = []
  const tops: number[] = []
  let y = 8
  for (const [index, { title, names, kind }] of layers.entries()) {
    tops.push(y)
    notes.push({ x: 8, y: y + 16, text: title })
    for (const [at, name] of names.entries()) {
      const place = { x: 8 + (at % columns) * (w + 10), y: y + 26 + Math.floor(at / columns) * 42 }
      boxes.push({ ...place, w, h: 34, text: name, kind })
    }
    y += 26 + Math.ceil(names.length / columns) * 42
    const next = links.find((link) => link.from === title && link.to === layers[index + 1]?.title)
    if (next !== undefined) arrows.push({ from: [right / 2, y - 4], to: [right / 2, y + 34], label: next.label ?? '' })
    y += next === undefined ? 12 : 36
  }
  for (const [at, { from, to }] of far.entries()) {
    const x = right + 10 + at * lane
    const [start, end] = [tops[titleAt(layers, from)]! + 36 + at * 8, tops[titleAt(layers, to)]! + 36 + at * 8]
    arrows.push({
      from: [right, start],
      via: [
        [x, start],
        [x, end],
      ],
      to: [right, end],
    })
  }
  return { height: y, boxes, arrows, notes }
}

const titleAt = (layers: readonly { readonly title: string }[], title: string): number =>
  layers.findIndex((layer) => layer.title === title)

const mermaidOf = ({ drawing, links, groups = [] }: Diagram): string => {
  const id = (name: string) => name.replaceAll(/\W/g, '_')
  const grouped = new Set(groups.map(({ title }) => title))
  const names = [...new Set(links.flatMap(({ from, to }) => [from, to]))].filter((name) => !grouped.has(name))
  return [
    `%% ${drawing.title}. Made by tools/docs/diagrams.ts.`,
    groups.length > 0 ? 'flowchart TB' : 'flowchart LR',
    ...groups.flatMap(({ title, names: inner }) => [
      `  subgraph ${id(title)}["${title}"]`,
      ...inner.map((name) => `    ${id(name)}["${name}"]`),
      '  end',
    ]),
    ...names.map((name) => `  ${id(name)}["${name}"]`),
    ...links.map(
      ({ from, to, label, message }) =>
        `  ${id(from)} ${message ? '-.->' : '-->'}${label ? `|${label}|` : ''} ${id(to)}`,
    ),
    '',
  ].join('\n')
}

/** Every file of docs/diagrams, by name. */
export function diagramFiles(): Map<string, string> {
  const all = [architecture(), publishSubscribe(), pointToPoint(), relay()]
  return new Map(
    all.flatMap((diagram) => [
      [`${diagram.name}.svg`, svg(diagram.drawing)] as const,
      [`${diagram.name}.mmd`, mermaidOf(diagram)] as const,
    ]),
  )
}
