/**
 * Whether there is room for a request: places in all and for each (in-flight.ts), the bulkhead of its route, and whether
 * the process keeps up. Refused is what comes last, with 503 or 429 and `Retry-After`, before it has cost anything.
 */
import { Failure, limitKeyOf, type Metrics } from '@svyaz/kit'
import type { Rules } from './admission.ts'
import { gatewayLimits } from './config.ts'
import type { Exchange, GatewayContext } from './exchange.ts'
import { InFlight } from './in-flight.ts'
import { LoopDelay } from './loop-delay.ts'
import type { GatewayRoute } from './routes.ts'

/** What is asked to be let in: a route, or an operation of the gateway's own by its path. */
export type Entering = Pick<GatewayRoute, 'prefix' | 'inFlightMax' | 'shedAtDelayMs'>

export class Room {
  readonly #inFlight = new InFlight(gatewayLimits.inFlightShares, gatewayLimits.retryAfterSeconds)
  readonly #delay: Pick<LoopDelay, 'ms'>
  readonly #shed: ReturnType<Metrics['counter']>

  constructor(
    { metrics, clock }: Pick<GatewayContext, 'metrics' | 'clock'>,
    delay: Pick<LoopDelay, 'ms'> = new LoopDelay(clock.monotonic, (ms, look) => void setTimeout(look, ms).unref()),
  ) {
    this.#delay = delay
    this.#shed = metrics.counter('gateway_shed_total', 'Requests refused because too much was under way, by why', [
      'why',
    ])
    metrics.gauge('gateway_requests_in_flight', 'Requests being answered').collect(() => this.#inFlight.size)
  }

  /** @throws Failure unavailable when nobody at all may come now */
  refuseIfFull({ settings }: Rules): void {
    if (!this.#inFlight.isFull(settings.requestsInFlightMax)) return
    this.#shed.inc({ why: 'full' })
    throw new Failure('unavailable', 'too many requests are in progress', {
      retryAfterSeconds: gatewayLimits.retryAfterSeconds,
    })
  }

  /**
   * Takes a place; the function given back frees it.
   *
   * @throws Failure unavailable, too_many_requests
   */
  enter(exchange: Exchange, { settings }: Rules, route: Entering): () => void {
    const { prefix, inFlightMax, shedAtDelayMs } = route
    if (shedAtDelayMs !== undefined && this.#delay.ms > shedAtDelayMs) {
      this.#shed.inc({ why: 'late' })
      throw new Failure('unavailable', 'the gateway is too busy for this right now', {
        retryAfterSeconds: gatewayLimits.retryAfterSeconds,
      })
    }
    const claim = { route: prefix, userId: exchange.user?.userId, address: limitKeyOf(exchange.clientAddress) }
    try {
      return this.#inFlight.enter({ ...claim, routeMax: inFlightMax }, settings.requestsInFlightMax)
    } catch (error) {
      this.#shed.inc({ why: 'share' })
      throw error
    }
  }
}
