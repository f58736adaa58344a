/** The page's line to its server: a session, one WebSocket that comes back by itself, and the requests that change something. */

import type { ExperimentAsked } from '@svyaz/contracts/fault-lab.ts'
import type { ProofLine } from '../../../assignment.ts'
import type { WatchAsked, WatchLine } from '../../../explore.ts'
import {
  type Action,
  csrfHeader,
  type DemoUser,
  type LiveMessage,
  type OrderView,
  type PageMessage,
  type RecordView,
  type ReplayAnswer,
  type ReplayAsked,
  type SessionAnswer,
  type View,
  type WriteAnswer,
  type WriteAsked,
} from '../../../protocol.ts'
import type { RaceAsked, RaceLine } from '../../../race.ts'
import { emptyState, type State, take } from './state.ts'

const retryMs = [300, 600, 1_200, 2_500, 5_000]
/** A socket that says nothing at all for this long is given up; the server samples memory more often than that. */
const silenceMs = 30_000

/** A refusal, in the words of whoever refused. */
export class Refused extends Error {
  readonly code: string
  constructor(code: string, detail: string) {
    super(detail)
    this.code = code
  }
}

let state = emptyState
const listeners = new Set<() => void>()
let csrf: string | undefined
let socket: WebSocket | undefined
let watched: string | undefined
const looksAt = new Set<View>()
let failures = 0

export const live = {
  state: (): State => state,
  subscribe(listener: () => void): () => void {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
  /** Opens the line and keeps it open for as long as the page lives. */
  start(): void {
    void connect()
  },
  /** The order that is being looked at: its trace comes too. */
  watch(orderId: string): void {
    watched = orderId
    tell({ type: 'watch', orderId })
  },
  /** Whether something is being looked at that is told to nobody else. */
  look(at: View, watch: boolean): void {
    if (watch) looksAt.add(at)
    else looksAt.delete(at)
    tell({ type: 'look', at, watch })
  },
  /** Starts or stops a session of the relay loop. */
  relay(what: 'start' | 'stop'): Promise<unknown> {
    return post(`/api/relay/${what}`, {})
  },
  placeOrder(user: DemoUser, body: object): Promise<OrderView> {
    return post<OrderView>(`/api/users/${user}/orders`, body, { 'idempotency-key': crypto.randomUUID() })
  },
  cancelOrder(user: DemoUser, orderId: string): Promise<unknown> {
    return post(`/api/users/${user}/orders/${orderId}/cancel`, {})
  },
  act(action: Action, target: string): Promise<unknown> {
    return post(`/api/processes/${target}/${action}`, {})
  },
  scale(service: string, count: number): Promise<unknown> {
    return post(`/api/services/${service}/scale/${count}`, {})
  },
  /** Lines as they are written, `{instance, line}` each, until the signal aborts. */
  logs: (target: string, lines: number, signal: AbortSignal) =>
    stream<{ instance: string; line: string }>(`/api/processes/${target}/logs?lines=${lines}&follow=1`, signal),
  /** Records of a topic as they are written, until the signal aborts. */
  records: (topic: string, question: string, signal: AbortSignal) =>
    stream<RecordView>(`/api/topics/${topic}/live?${question}`, signal),
  /** Changes settings of an application, at the path that they are read from. */
  configure: (path: string, change: { readonly properties: object; readonly comment?: string }): Promise<unknown> =>
    post(path, change),
  /** Asks the gateway, as the API page describes it (explore.ts). */
  explore: <T>(how: 'http' | 'grpc', asked: object): Promise<T> => post<T>(`/api/explore/${how}`, asked),
  /** What comes of a stream or socket of the gateway, until the signal aborts. */
  watchApi: (asked: WatchAsked, signal: AbortSignal) => stream<WatchLine>('/api/explore/watch', signal, asked),
  /** One race of the protocols, as it runs. */
  race: (asked: RaceAsked, signal: AbortSignal) => stream<RaceLine>('/api/race', signal, asked),
  /** Writes an event to a topic, if it keeps the topic’s contract. */
  write: (topic: string, asked: WriteAsked): Promise<WriteAnswer> =>
    post<WriteAnswer>(`/api/topics/${topic}/records`, asked),
  /** Sends dead letters back to their consumer, or says what that would do. */
  replay: (asked: ReplayAsked): Promise<ReplayAnswer> => post<ReplayAnswer>('/api/dead-letters/replay', asked),
  /** Begins an experiment of the fault lab. */
  experiment: (asked: ExperimentAsked): Promise<unknown> => post('/api/faults', asked),
  /** Begins to prove a row of the assignment, or all of a section. */
  prove: (row: string): Promise<unknown> => post('/api/assignment/run', { row }),
  /** What the proof that runs, or ran last, has said and says, until the signal aborts. */
  proof: (signal: AbortSignal) => stream<ProofLine>('/api/assignment/output', signal),
  /** Ends the proof or experiment that is under way, whoever began it: it brings back what it broke. */
  endExamination: (): Promise<unknown> => post('/api/examination/stop', {}),
  /** No further fault begins; what was seen is judged. */
  endExperiment: (): Promise<unknown> => post('/api/faults/stop', {}),
}

/** An answer of many lines, each of them JSON, as they come. @param body makes it a request that carries the token */
async function* stream<T>(path: string, signal: AbortSignal, body?: object): AsyncGenerator<T> {
  if (body !== undefined && csrf === undefined) await openSession()
  const headers = { 'content-type': 'application/json', [csrfHeader]: csrf ?? '' }
  const asked = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
  const response = await fetch(path, { ...asked, signal })
  if (!response.ok || response.body === null) throw await refusalOf(response)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const parts = (rest + value).split('\n')
    rest = parts.pop() ?? ''
    for (const part of parts) if (part !== '') yield JSON.parse(part) as T
  }
}

function set(next: State): void {
  if (next === state) return
  state = next
  for (const listener of listeners) listener()
}

async function connect(): Promise<void> {
  try {
    await openSession()
  } catch {
    return again()
  }
  const opened = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/api/live`)
  socket = opened
  let silence = setTimeout(() => opened.close(), silenceMs)
  opened.addEventListener('message', ({ data }) => {
    clearTimeout(silence)
    silence = setTimeout(() => opened.close(), silenceMs)
    const message = JSON.parse(String(data)) as LiveMessage
    if (message.type === 'snapshot') {
      failures = 0
      if (watched !== undefined) tell({ type: 'watch', orderId: watched })
      for (const at of looksAt) tell({ type: 'look', at, watch: true })
    }
    set(take(state, message, Date.now()))
  })
  opened.addEventListener('close', () => {
    clearTimeout(silence)
    if (socket === opened) socket = undefined
    again()
  })
}

function again(): void {
  if (state.connection === 'open') set({ ...state, connection: 'lost' })
  const wait = retryMs[Math.min(failures, retryMs.length - 1)]
  failures += 1
  setTimeout(() => void connect(), wait)
}

function tell(message: PageMessage): void {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

async function openSession(): Promise<void> {
  const response = await fetch('/api/session')
  if (!response.ok) throw await refusalOf(response)
  csrf = ((await response.json()) as SessionAnswer).csrf
}

async function post<T>(path: string, body: object, headers: Record<string, string> = {}): Promise<T> {
  const send = () =>
    fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', [csrfHeader]: csrf ?? '', ...headers },
      body: JSON.stringify(body),
    })
  try {
    if (csrf === undefined) await openSession()
    let response = await send()
    // The console was restarted and has forgotten its sessions; an Idempotency-Key makes the second try safe.
    if (response.status === 401 || response.status === 403) {
      const refusal = await refusalOf(response)
      if (refusal.code !== 'no_session' && refusal.code !== 'csrf') throw refusal
      await openSession()
      response = await send()
    }
    if (!response.ok) throw await refusalOf(response)
    return (await response.json()) as T
  } catch (error) {
    if (error instanceof Refused) throw error
    throw new Refused('unreachable', String(error))
  }
}

/**
 * Reads JSON from the console's server.
 * @throws Refused with the code and the sentence of whoever refused
 */
export async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, signal === undefined ? {} : { signal })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new Refused('unreachable', String(error))
  }
  if (!response.ok) throw await refusalOf(response)
  return (await response.json()) as T
}

async function refusalOf(response: Response): Promise<Refused> {
  const problem = (await response.json().catch(() => ({}))) as { code?: string; detail?: string }
  return new Refused(problem.code ?? String(response.status), problem.detail ?? response.statusText)
}
