/** What passed at this moment, on its way from the telemetry's frames to the dots: kept outside of React. */
import type { LiveFrame } from '@svyaz/contracts/telemetry.ts'
import type { Process } from '../../../../protocol.ts'
import type { Burst } from './dots.ts'
import { type Aliases, aliasesOf, edgeIdOf, nodeIdOf } from './graph.ts'

type EdgesFrame = Extract<LiveFrame, { type: 'edges' }>
type Listener = (bursts: readonly Burst[]) => void

/** How often frames come. */
export const frameEveryMs = 500

export class Bursts {
  readonly #listeners = new Set<Listener>()
  #aliases: Aliases = new Map()

  constructor(processes: readonly Process[]) {
    this.knows(processes)
  }

  /** Who of what runs plays the world outside: the telemetry names them otherwise. */
  knows(processes: readonly Process[]): void {
    this.#aliases = aliasesOf(processes)
  }

  /** @param frame what passed since the one before */
  add({ edges }: EdgesFrame): void {
    if (document.hidden) return
    const bursts = edges.map(({ from, to, protocol, count, errors, meanMs }) => ({
      edge: edgeIdOf(nodeIdOf(from, this.#aliases), nodeIdOf(to, this.#aliases), protocol),
      count,
      errors,
      meanMs,
    }))
    for (const listener of this.#listeners) listener(bursts)
  }

  /** Calls the listener with each group until the function that is given back is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
