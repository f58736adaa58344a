/**
 * The payment provider of the outside world: opens the ledger, then the port. How one request that moves money goes is in
 * provider.ts (faults → decision → ledger synced → answer), what may be asked in routes.ts.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { close, createListener, type Log, listen } from '@svyaz/stage'
import { BookedLedger } from './booked-ledger.ts'
import { Provider } from './provider.ts'
import { Routes } from './routes.ts'

export type PaymentProcessorOptions = {
  /** Where `ledger.ndjson` lives; created when missing. One process at a time. */
  readonly directory: string
  readonly host?: string
  /** 0 takes a free port. */
  readonly port?: number
  /** How long `pm_slow` takes. */
  readonly slowMs?: number
  /** How long a reply that never comes keeps its connection. */
  readonly hangMs?: number
  readonly limits?: Partial<Limits>
  readonly log?: Log
  readonly now?: () => Date
  readonly newId?: () => string
  /** A number in [0, 1), for faults with a probability. */
  readonly random?: () => number
  /** The ledger can't be trusted any more (the disk failed twice): the process must end. */
  readonly onBroken?: (error: unknown) => void
}

export type Limits = {
  readonly bodyBytesMax: number
  readonly inFlightMax: number
  readonly connectionsMax: number
  readonly connectionsPerAddressMax: number
  readonly entriesMax: number
}
export const defaultLimits: Limits = {
  bodyBytesMax: 64 * 1024,
  inFlightMax: 1_024,
  connectionsMax: 4_096,
  connectionsPerAddressMax: 1_024,
  entriesMax: 2_000_000,
}

export const ledgerName = 'ledger.ndjson'

export type PaymentProcessor = AsyncDisposable & { readonly port: number; readonly url: string }

/**
 * Reads the ledger, then opens the port.
 * @throws when the ledger is damaged or the port is taken
 */
export async function startPaymentProcessor(options: PaymentProcessorOptions): Promise<PaymentProcessor> {
  const { host = '127.0.0.1', slowMs = 3_000, hangMs = 10_000, log = () => {}, onBroken = fatal } = options
  const { now = () => new Date(), newId = randomUUID, random = Math.random } = options
  const limits = { ...defaultLimits, ...options.limits }
  const stopping = new AbortController()
  await using opening = new AsyncDisposableStack()
  const path = join(options.directory, ledgerName)
  const ledger = opening.use(await BookedLedger.open(path, limits.entriesMax, log, onBroken))
  const stamp = () => ({ id: newId(), createdAt: now().toISOString() })
  const provider = new Provider({ ledger, stamp, random, slowMs, hangMs, stopping: stopping.signal, limits })
  const routes = new Routes({ ledger, provider, log, limits, stopping: stopping.signal })
  const server = createListener(log, (request, response, target) => routes.answer(request, response, target), {
    connections: limits,
  })
  const port = await listen(server, options.port ?? 0, host)
  opening.defer(() => close(server, 5_000))
  opening.defer(() => stopping.abort())
  const running = opening.move()
  return { port, url: `http://${host}:${port}`, [Symbol.asyncDispose]: () => running.disposeAsync() }
}

function fatal(error: unknown): never {
  throw error
}
