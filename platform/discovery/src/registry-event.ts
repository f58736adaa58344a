/** What can happen to the registry, and what it asks to be done. */
import type { KeyEvent } from './key-value.ts'
import type { CheckDefinition, CheckRow, CheckStatus, Row, ServiceDefinition } from './state.ts'

export type Event =
  | {
      readonly type: 'register service'
      readonly service: ServiceDefinition
      readonly checks: readonly CheckDefinition[]
      /** Drop checks of this service that the registration does not name (`?replace-existing-checks`). */
      readonly replaceChecks: boolean
    }
  | { readonly type: 'deregister service'; readonly serviceId: string }
  | { readonly type: 'register check'; readonly check: CheckDefinition }
  | { readonly type: 'deregister check'; readonly checkId: string }
  /** The instance itself reports (only for checks with a time to live). */
  | { readonly type: 'report'; readonly checkId: string; readonly status: CheckStatus; readonly output: string }
  /** A probe came back. */
  | { readonly type: 'probed'; readonly checkId: string; readonly status: CheckStatus; readonly output: string }
  | { readonly type: 'maintenance'; readonly serviceId: string; readonly enable: boolean; readonly reason: string }
  /** Time passed. */
  | { readonly type: 'tick' }
  /** The process stood still for so long: nobody could report meanwhile. */
  | { readonly type: 'stalled'; readonly stalledMs: number }
  /** The process started with a restored state; up to `indexGap` changes may have been answered and lost with the disk's cache. */
  | { readonly type: 'started'; readonly indexGap: number }
  | KeyEvent

export type Effect =
  | { readonly kind: 'store'; readonly index: number; readonly rows: readonly Row[] }
  | { readonly kind: 'probe'; readonly check: CheckRow }
  | { readonly kind: 'stop probe'; readonly checkId: string }
  | { readonly kind: 'note'; readonly message: string; readonly fields: Readonly<Record<string, unknown>> }
