/** How a request that moves money goes: the fault that was asked for, the decision, the synced ledger, the answer. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { Problem, readJsonObject, sendJson } from '@svyaz/stage'
import type { BookedLedger } from './booked-ledger.ts'
import { type FaultState, hit, noFault } from './faults.ts'
import * as ledgerRules from './ledger.ts'
import { chargeRequest, idempotencyKey, refundRequest, voidRequest } from './requests.ts'

export interface ProviderParts {
  readonly ledger: BookedLedger
  readonly stamp: () => ledgerRules.Stamp
  /** A number in [0, 1), for faults with a probability. */
  readonly random: () => number
  /** How long `pm_slow` takes. */
  readonly slowMs: number
  /** How long a reply that never comes keeps its connection. */
  readonly hangMs: number
  /** Aborted when the process ends: nothing is waited for beyond that. */
  readonly stopping: AbortSignal
  readonly limits: { readonly bodyBytesMax: number }
}

type Answer = { readonly status: number; readonly value: unknown; readonly replayed: boolean; readonly lost?: boolean }
type Act = (request: IncomingMessage) => Promise<Answer>

export class Provider {
  fault: FaultState = noFault
  readonly counts = { replayed: 0, faults: 0, lostReplies: 0 }
  readonly #parts: ProviderParts

  constructor(parts: ProviderParts) {
    this.#parts = parts
  }

  charge(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#moveMoney(request, response, (r) => this.#charge(r))
  }

  voidCharge(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#moveMoney(request, response, (r) => this.#voidCharge(r))
  }

  refund(request: IncomingMessage, response: ServerResponse): Promise<void> {
    return this.#moveMoney(request, response, (r) => this.#refund(r))
  }

  /** A request that moves money, with the faults that the test control asked for around it. */
  async #moveMoney(request: IncomingMessage, response: ServerResponse, act: Act): Promise<void> {
    const drawn = hit(this.fault, this.#parts.random())
    this.fault = drawn.state
    if (!drawn.hit) return await this.#reply(response, await act(request))
    this.counts.faults += 1
    const { mode, when = 'before' } = this.fault
    if (when === 'after') await act(request)
    if (mode === 'hang') return await this.#neverReply(response)
    if (mode === 'unavailable')
      throw new Problem(503, 'unavailable', 'the provider is not available', { headers: { 'retry-after': '1' } })
    throw new Problem(500, 'provider_error', 'the provider failed; the charge may or may not have been made')
  }

  async #charge(request: IncomingMessage): Promise<Answer> {
    const key = idempotencyKey(request)
    const wanted = chargeRequest(await this.#body(request))
    const { ledger, slowMs, stamp } = this.#parts
    const method = ledgerRules.methodOf(wanted.method)
    if (method?.delay === 'slow' && ledger.state.accounts.get(key) === undefined) await this.#pause(slowMs)
    const { answer, replayed } = await this.#settle([`charge ${key}`], () =>
      ledgerRules.decideCharge(ledger.state, key, wanted, stamp()),
    )
    return { status: 201, value: answer, replayed, lost: !replayed && method?.reply === 'lost' }
  }

  async #voidCharge(request: IncomingMessage): Promise<Answer> {
    const { key } = voidRequest(await this.#body(request))
    const { ledger, stamp } = this.#parts
    const { answer, replayed } = await this.#settle([`charge ${key}`], () =>
      ledgerRules.decideVoid(ledger.state, key, stamp()),
    )
    return { status: 200, value: answer, replayed }
  }

  async #refund(request: IncomingMessage): Promise<Answer> {
    const key = idempotencyKey(request)
    const wanted = refundRequest(await this.#body(request))
    const { ledger, stamp } = this.#parts
    // Always refund before charge, so that two requests can't wait for each other.
    const { answer, replayed } = await this.#settle([`refund ${key}`, `charge ${wanted.chargeKey}`], () =>
      ledgerRules.decideRefund(ledger.state, key, wanted, stamp()),
    )
    return { status: 201, value: answer, replayed }
  }

  async #settle<T>(keys: readonly string[], decide: () => ledgerRules.Decision<T>) {
    const settled = await this.#parts.ledger.settle(keys, decide)
    if (settled.replayed) this.counts.replayed += 1
    return settled
  }

  #body(request: IncomingMessage) {
    return readJsonObject(request, this.#parts.limits.bodyBytesMax)
  }

  async #reply(response: ServerResponse, answer: Answer): Promise<void> {
    if (answer.lost === true) {
      this.counts.lostReplies += 1
      return await this.#neverReply(response)
    }
    sendJson(response, answer.status, answer.value, answer.replayed ? { 'idempotency-replayed': 'true' } : {})
  }

  async #neverReply(response: ServerResponse): Promise<void> {
    await this.#pause(this.#parts.hangMs)
    response.socket?.destroy()
  }

  async #pause(ms: number): Promise<void> {
    await delay(ms, undefined, { signal: this.#parts.stopping }).catch(() => undefined)
  }
}
