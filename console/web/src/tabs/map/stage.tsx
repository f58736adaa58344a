/** The picture: edges in SVG, dots on a canvas above them, nodes as buttons above both. */
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { Skeleton } from '../../shell/skeleton.tsx'
import { type Bursts, frameEveryMs } from './bursts.ts'
import { type Dot, drawDots, withBurst } from './dots.ts'
import { type EdgeProtocol, edgeIdOf, type Graph } from './graph.ts'
import { type Layout, layoutOf, pathOf, pointOn } from './layout.ts'
import { NodeButton } from './node.tsx'

interface StageProps {
  readonly graph: Graph
  readonly bursts: Bursts
  readonly frozen: boolean
  readonly chosen: string | undefined
  readonly choose: (id: string | undefined) => void
  /** What a panel beside the map takes of its width. */
  readonly taken: number
}

/** Draws the graph into whatever room there is. */
export function Stage({ graph, bursts, frozen, chosen, choose, taken }: StageProps) {
  const [box, size] = useSize()
  const [pointed, point] = useState<string>()
  // Positions depend on which nodes and edges there are, not on how much passes: nothing moves while one looks.
  const shape = `${graph.nodes.map(({ id, kind }) => id + kind).join()} ${graph.edges.map(({ id }) => id).join()}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: `shape` is what matters of the graph
  const layout = useMemo(
    () => (size === undefined ? undefined : layoutOf(graph, size.width, size.height, size.width + taken)),
    [shape, size, taken],
  )
  const near = pointed ?? chosen
  useEffect(() => {
    if (chosen === undefined || layout === undefined) return
    const node = box.current?.querySelector(`[data-node="${CSS.escape(chosen)}"]`)
    node?.scrollIntoView({ block: 'nearest', inline: 'center' })
  }, [chosen, layout, box])
  const lit = useMemo(() => litOf(graph, near), [graph, near])
  // Names stay readable while a node is chosen; they fade only for as long as one points at another.
  const faded = pointed === undefined ? undefined : lit
  return (
    <div className="stage" ref={box} data-lit={near !== undefined || undefined} data-tall={layout?.tall || undefined}>
      {layout === undefined ? (
        <Skeleton />
      ) : (
        <>
          <Edges graph={graph} layout={layout} lit={lit} />
          <Dots graph={graph} layout={layout} bursts={bursts} frozen={frozen} lit={lit} />
          {graph.nodes.map((node) => {
            const own = layout.boxes.get(node.id)
            return (
              own && (
                <NodeButton
                  key={node.id}
                  node={node}
                  box={own}
                  chosen={node.id === chosen}
                  dim={faded !== undefined && !faded.nodes.has(node.id)}
                  choose={() => choose(node.id === chosen ? undefined : node.id)}
                  point={(over) => point(over ? node.id : undefined)}
                />
              )
            )
          })}
          <div className="stage-floor" style={{ width: layout.width, height: layout.height }} aria-hidden="true" />
        </>
      )}
    </div>
  )
}

interface Lit {
  readonly nodes: ReadonlySet<string>
  readonly edges: ReadonlySet<string>
}

/** A node with its edges and what is at their other ends; undefined when all are lit. */
function litOf({ edges }: Graph, near: string | undefined): Lit | undefined {
  if (near === undefined) return undefined
  const own = edges.filter(({ from, to }) => from === near || to === near)
  return {
    nodes: new Set([near, ...own.flatMap(({ from, to }) => [from, to])]),
    edges: new Set(own.map(({ id }) => id)),
  }
}

function useSize() {
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState<{ width: number; height: number }>()
  useLayoutEffect(() => {
    const element = box.current
    if (element === null) return
    const look = () =>
      setSize((before) => {
        const { clientWidth: width, clientHeight: height } = element
        return before?.width === width && before.height === height ? before : { width, height }
      })
    look()
    const observer = new ResizeObserver(look)
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [box, size] as const
}

/** How much passes, in five steps: the width of the line. */
const flowOf = (perSecond: number): number =>
  perSecond === 0 ? 0 : Math.min(5, 1 + Math.floor(Math.log10(1 + perSecond * 10)))

function Edges({ graph, layout, lit }: { graph: Graph; layout: Layout; lit: Lit | undefined }) {
  return (
    <svg className="edges" width={layout.width} height={layout.height} aria-hidden="true">
      {graph.edges.map(({ id, protocol, passed }) => {
        const curve = layout.curves.get(id)
        return (
          curve && (
            <path
              key={id}
              d={pathOf(curve)}
              className={protocol}
              data-flow={flowOf(passed?.ratePerSecond ?? 0)}
              data-bad={(passed?.errorRatio ?? 0) > 0.05 || undefined}
              data-dim={(lit !== undefined && !lit.edges.has(id)) || undefined}
            />
          )
        )
      })}
      {graph.edges.map(({ id, breaker }) => {
        const curve = layout.curves.get(id)
        return (
          breaker &&
          curve && (
            <g key={id} className="breaker" data-state={breaker} transform={`translate(${pointOn(curve, 0.5)})`}>
              <circle r="10" />
              <path d={breaker === 'open' ? 'm-3.5 -3.5 7 7m0-7-7 7' : 'M-4 0h8'} />
            </g>
          )
        )
      })}
    </svg>
  )
}

/** The edge that a burst goes along: its own, or what is declared between the two until its own is known. */
function knownEdges({ edges }: Graph): (id: string) => string | undefined {
  const own = new Map(edges.map(({ id, from, to, protocol }) => [edgeIdOf(from, to, measured(protocol)), id]))
  const byEnds = new Map(edges.map(({ id, from, to }) => [`${from} ${to}`, id]))
  return (id) => own.get(id) ?? byEnds.get(id.slice(0, id.lastIndexOf(' ')))
}

/** To the telemetry a task is a message. */
const measured = (protocol: EdgeProtocol): string => (protocol === 'task' ? 'message' : protocol)

const stillQuery = '(prefers-reduced-motion: reduce)'

function Dots({
  graph,
  layout,
  bursts,
  frozen,
  lit,
}: Omit<StageProps, 'chosen' | 'choose' | 'taken'> & {
  readonly layout: Layout
  readonly lit: Lit | undefined
}) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const state = useRef<{ dots: Dot[]; lit: Lit | undefined }>({ dots: [], lit })
  state.current.lit = lit
  useEffect(() => {
    const element = canvas.current
    const context = element?.getContext('2d')
    if (!element || !context || frozen || matchMedia(stillQuery).matches) return
    const scale = Math.min(2, devicePixelRatio)
    element.width = layout.width * scale
    element.height = layout.height * scale
    const known = knownEdges(graph)
    const protocols = new Map(graph.edges.map(({ id, protocol }) => [id, protocol]))
    const style = getComputedStyle(element)
    const colours = new Map<string, string>()
    const colourOf = (name: string) => {
      const known = colours.get(name) ?? style.getPropertyValue(`--dot-${name}`)
      colours.set(name, known)
      return known
    }
    let frame = 0
    const draw = (nowMs: number) => {
      frame = 0
      const { dots, lit: shown } = state.current
      drawDots(context, dots, nowMs, scale, {
        curves: layout.curves,
        colour: (edge, failed) => colourOf(failed ? 'failed' : (protocols.get(edge) ?? 'other')),
        strength: (edge) => (shown === undefined || shown.edges.has(edge) ? 1 : 0.12),
      })
      state.current.dots = dots.filter(({ startsAtMs, lastsMs }) => startsAtMs + lastsMs > nowMs)
      // Nothing moves, nothing is drawn: an idle map costs nothing.
      if (state.current.dots.length > 0) frame = requestAnimationFrame(draw)
    }
    const stop = bursts.listen((groups) => {
      const drawn = groups.flatMap((group) => {
        const edge = known(group.edge)
        return edge === undefined || group.count === 0 ? [] : [{ ...group, edge }]
      })
      state.current.dots = withBurst(state.current.dots, drawn, performance.now(), frameEveryMs, Math.random)
      if (frame === 0 && state.current.dots.length > 0) frame = requestAnimationFrame(draw)
    })
    frame = requestAnimationFrame(draw)
    return () => {
      stop()
      cancelAnimationFrame(frame)
    }
  }, [graph, layout, bursts, frozen])
  return <canvas ref={canvas} className="dots" style={{ width: layout.width, height: layout.height }} />
}
