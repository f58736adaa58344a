/**
 * The life of one instance as a pure step: (state, event, time) → (state, effects). It decides when to start,
 * when to signal and how long to back off; processes, timers and probes belong to instance.ts.
 */

/** Limits of restarting. */
export interface RestartPolicy {
  /** Pause before the first restart; each failure in a row doubles it. */
  readonly backOffMsMin: number
  readonly backOffMsMax: number
  /** An instance that was ready this long has earned a first restart again. */
  readonly stableMs: number
}

export const restartPolicy: RestartPolicy = { backOffMsMin: 100, backOffMsMax: 10_000, stableMs: 10_000 }

/** How a process ended. */
export interface Exit {
  readonly code: number | null
  readonly signal: string | null
}

interface Common {
  /** Starts beyond the first since the supervisor started. */
  readonly restarts: number
  /** Ends nobody asked for, in a row. */
  readonly failures: number
  readonly sinceMs: number
  readonly lastExit?: Exit
}

export type InstanceState =
  | (Common & { readonly status: 'stopped' })
  /** Asked to start, no process yet. */
  | (Common & { readonly status: 'launching'; readonly next: 'run' | 'stop' })
  | (Common & { readonly status: 'starting'; readonly pid: number })
  | (Common & { readonly status: 'ready'; readonly pid: number })
  /** Was ready and says that it isn't now. */
  | (Common & { readonly status: 'unready'; readonly pid: number })
  | (Common & { readonly status: 'paused'; readonly pid: number; readonly before: 'starting' | 'ready' | 'unready' })
  | (Common & {
      readonly status: 'stopping'
      readonly pid: number
      readonly killAtMs: number
      readonly killed: boolean
      readonly next: 'stop' | 'start'
    })
  | (Common & { readonly status: 'backing-off'; readonly untilMs: number })

export type Status = InstanceState['status']

export type InstanceEvent =
  | { readonly type: 'start' }
  /** `spareMs`: patience beyond the instance's own, such as what earlier stages of a shutdown left over. */
  | { readonly type: 'stop'; readonly spareMs?: number }
  | { readonly type: 'restart' }
  /** kill −9: what follows is a restart, as after any other death. */
  | { readonly type: 'kill' }
  | { readonly type: 'pause' }
  | { readonly type: 'resume' }
  | { readonly type: 'launched'; readonly pid: number }
  | { readonly type: 'launch-failed' }
  | { readonly type: 'probed'; readonly ready: boolean }
  | { readonly type: 'exited'; readonly exit: Exit }
  | { readonly type: 'tick' }

export type Effect =
  | { readonly type: 'launch' }
  | { readonly type: 'signal'; readonly signal: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT' }
  /** Wake the machine with a tick at this time. */
  | { readonly type: 'wake'; readonly atMs: number }

export interface Step {
  readonly state: InstanceState
  readonly effects: readonly Effect[]
}

export interface LifecycleRules {
  readonly restart: RestartPolicy
  readonly stopTimeoutMs: number
}

/** An instance that was never started. */
export const initialState = (nowMs: number): InstanceState => ({
  status: 'stopped',
  restarts: 0,
  failures: 0,
  sinceMs: nowMs,
})

/** Pause before the next start after this many failures in a row (1 or more). */
export const backOffMs = (failures: number, policy: RestartPolicy): number =>
  Math.min(policy.backOffMsMin * 2 ** (failures - 1), policy.backOffMsMax)

/** One step. An event that means nothing in a state leaves the state as it is. */
export function step(state: InstanceState, event: InstanceEvent, nowMs: number, rules: LifecycleRules): Step {
  switch (event.type) {
    case 'start':
      return onStart(state, nowMs)
    case 'stop':
      return onStop(state, nowMs, rules, 'stop', event.spareMs)
    case 'restart':
      return state.status === 'stopped' || state.status === 'backing-off'
        ? onStart(state, nowMs)
        : onStop(state, nowMs, rules, 'start')
    case 'kill':
      return 'pid' in state ? { state, effects: [signal('SIGKILL')] } : same(state)
    case 'pause':
      return onPause(state, nowMs)
    case 'resume':
      return state.status === 'paused'
        ? {
            state: { ...common(state), status: state.before, pid: state.pid, sinceMs: nowMs },
            effects: [signal('SIGCONT')],
          }
        : same(state)
    case 'launched':
      return onLaunched(state, event.pid, nowMs, rules)
    case 'launch-failed':
      return onExited(state, { code: null, signal: null }, nowMs, rules)
    case 'probed':
      return onProbed(state, event.ready, nowMs)
    case 'exited':
      return onExited(state, event.exit, nowMs, rules)
    case 'tick':
      return onTick(state, nowMs)
  }
}

function onStart(state: InstanceState, nowMs: number): Step {
  switch (state.status) {
    case 'stopped':
    case 'backing-off':
      return launch(state, nowMs, state.lastExit ? 1 : 0)
    case 'stopping':
      return same({ ...state, next: 'start' })
    case 'launching':
      return same({ ...state, next: 'run' })
    default:
      return same(state)
  }
}

function onStop(state: InstanceState, nowMs: number, rules: LifecycleRules, next: 'stop' | 'start', spareMs = 0): Step {
  switch (state.status) {
    case 'stopped':
      return same(state)
    case 'backing-off':
      return same({ ...common(state), status: 'stopped', sinceMs: nowMs })
    case 'launching':
      return same({ ...state, next: next === 'stop' ? 'stop' : 'run' })
    case 'stopping':
      return same({ ...state, next })
    default: {
      const killAtMs = nowMs + rules.stopTimeoutMs + spareMs
      // A stopped process can't hear SIGTERM before it is continued.
      const wakeUp = state.status === 'paused' ? [signal('SIGCONT')] : []
      return {
        state: { ...common(state), status: 'stopping', pid: state.pid, sinceMs: nowMs, killAtMs, killed: false, next },
        effects: [signal('SIGTERM'), ...wakeUp, { type: 'wake', atMs: killAtMs }],
      }
    }
  }
}

function onPause(state: InstanceState, nowMs: number): Step {
  if (state.status !== 'starting' && state.status !== 'ready' && state.status !== 'unready') return same(state)
  return {
    state: { ...common(state), status: 'paused', pid: state.pid, before: state.status, sinceMs: nowMs },
    effects: [signal('SIGSTOP')],
  }
}

function onLaunched(state: InstanceState, pid: number, nowMs: number, rules: LifecycleRules): Step {
  if (state.status !== 'launching') return same(state)
  const starting: InstanceState = { ...common(state), status: 'starting', pid }
  return state.next === 'stop' ? onStop(starting, nowMs, rules, 'stop') : same(starting)
}

function onProbed(state: InstanceState, ready: boolean, nowMs: number): Step {
  if (ready && (state.status === 'starting' || state.status === 'unready')) {
    return same({ ...common(state), status: 'ready', pid: state.pid, sinceMs: nowMs })
  }
  if (!ready && state.status === 'ready') {
    return same({ ...common(state), status: 'unready', pid: state.pid, sinceMs: nowMs })
  }
  return same(state)
}

function onExited(state: InstanceState, exit: Exit, nowMs: number, rules: LifecycleRules): Step {
  const ended = { ...common(state), lastExit: exit }
  switch (state.status) {
    case 'stopped':
    case 'backing-off':
      return same(state)
    case 'stopping':
      return state.next === 'start'
        ? launch({ ...ended, status: 'stopped', failures: 0 }, nowMs, 1)
        : same({ ...ended, status: 'stopped', failures: 0, sinceMs: nowMs })
    case 'launching':
      if (state.next === 'stop') return same({ ...ended, status: 'stopped', sinceMs: nowMs })
  }
  const wasStable = state.status === 'ready' && nowMs - state.sinceMs >= rules.restart.stableMs
  const failures = wasStable ? 1 : state.failures + 1
  const untilMs = nowMs + backOffMs(failures, rules.restart)
  return {
    state: { ...ended, status: 'backing-off', failures, sinceMs: nowMs, untilMs },
    effects: [{ type: 'wake', atMs: untilMs }],
  }
}

function onTick(state: InstanceState, nowMs: number): Step {
  if (state.status === 'backing-off' && nowMs >= state.untilMs) return launch(state, nowMs, 1)
  if (state.status === 'stopping' && !state.killed && nowMs >= state.killAtMs) {
    return { state: { ...state, killed: true }, effects: [signal('SIGKILL')] }
  }
  return same(state)
}

const launch = (state: InstanceState, nowMs: number, counts: 0 | 1): Step => ({
  state: { ...common(state), status: 'launching', next: 'run', restarts: state.restarts + counts, sinceMs: nowMs },
  effects: [{ type: 'launch' }],
})

function common(state: InstanceState): Common {
  const { restarts, failures, sinceMs, lastExit } = state
  return { restarts, failures, sinceMs, ...(lastExit ? { lastExit } : {}) }
}

const same = (state: InstanceState): Step => ({ state, effects: [] })
const signal = (name: 'SIGTERM' | 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Effect => ({ type: 'signal', signal: name })
