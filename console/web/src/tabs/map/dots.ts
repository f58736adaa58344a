/**
 * The dots that move along the edges. One is one call or one message for as long as there are few; above that each
 * stands for more, so that any load can be drawn. Pure but for the drawing.
 */
import { type Curve, pointOn } from './layout.ts'

export interface Dot {
  readonly edge: string
  readonly failed: boolean
  /** On the clock of the frames, ms. */
  readonly startsAtMs: number
  readonly lastsMs: number
}

export interface Burst {
  readonly edge: string
  readonly count: number
  readonly errors: number
  readonly meanMs: number
}

/** Of all edges together: a page stays at its frame rate for a day. */
export const dotsMax = 700
/** Of one edge in one burst. */
const perBurstMax = 9

/** How long a dot is on its way: what answers within milliseconds flies, what takes a second walks. */
export const travelMs = (latencyMs: number): number =>
  Math.round(650 + 900 * Math.min(3, Math.max(0, Math.log10(Math.max(1, latencyMs)))))

/** How many dots stand for a count. To a database the way is short: one. */
export const dotsFor = (count: number, edge = ''): number => {
  if (edge.includes(' database:')) return Math.min(1, count)
  return count <= 4 ? count : Math.min(perBurstMax, Math.round(4 + 2 * Math.log2(count / 4)))
}

/**
 * Dots for what passed during the last `overMs`, spread over the next ones; those that have arrived are left out.
 * @param random between 0 and 1, so that the edges don't march in step
 */
export function withBurst(
  dots: readonly Dot[],
  bursts: readonly Burst[],
  nowMs: number,
  overMs: number,
  random: () => number,
): Dot[] {
  const under = dots.filter(({ startsAtMs, lastsMs }) => startsAtMs + lastsMs > nowMs)
  for (const { edge, count, errors, meanMs } of bursts) {
    const drawn = dotsFor(count, edge)
    const failed = count === 0 ? 0 : Math.max(errors > 0 ? 1 : 0, Math.round((drawn * errors) / count))
    for (let at = 0; at < drawn; at += 1) {
      const startsAtMs = nowMs + (overMs * (at + random())) / drawn
      under.push({ edge, failed: at < failed, startsAtMs, lastsMs: travelMs(meanMs) })
    }
  }
  return under.slice(-dotsMax)
}

export interface Paint {
  readonly curves: ReadonlyMap<string, Curve>
  /** CSS colour of an edge's dots. */
  colour(edge: string, failed: boolean): string
  /** Opacity of an edge's dots: those beside what is chosen are dim. */
  strength(edge: string): number
}

/** Steps of the tail behind a dot. */
const tail = [0, 0.022, 0.044, 0.066] as const

/** Draws the dots as they are at a time. @param scale pixels of the canvas for one of the page */
export function drawDots(
  context: CanvasRenderingContext2D,
  dots: readonly Dot[],
  nowMs: number,
  scale: number,
  { curves, colour, strength }: Paint,
): void {
  context.setTransform(scale, 0, 0, scale, 0, 0)
  context.clearRect(0, 0, context.canvas.width / scale, context.canvas.height / scale)
  for (const { edge, failed, startsAtMs, lastsMs } of dots) {
    const passed = (nowMs - startsAtMs) / lastsMs
    const curve = curves.get(edge)
    if (passed < 0 || passed > 1 || curve === undefined) continue
    context.fillStyle = colour(edge, failed)
    const edgeStrength = strength(edge)
    for (const [at, behind] of tail.entries()) {
      const [x, y] = pointOn(curve, ease(Math.max(0, passed - behind)))
      context.globalAlpha = edgeStrength * (at === 0 ? 1 : 0.42 / at)
      context.beginPath()
      context.arc(x, y, (failed ? 4 : 3.1) - at * 0.45, 0, 2 * Math.PI)
      context.fill()
    }
    const [x, y] = pointOn(curve, ease(passed))
    context.globalAlpha = edgeStrength * 0.16
    context.beginPath()
    context.arc(x, y, failed ? 10 : 8, 0, 2 * Math.PI)
    context.fill()
  }
  context.globalAlpha = 1
}

/** Leaves and arrives gently. */
const ease = (t: number): number => t * t * (3 - 2 * t) * 0.35 + t * 0.65
