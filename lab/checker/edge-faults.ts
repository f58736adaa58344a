/**
 * Faults on an edge, made at its far end: the world outside simulates them, a database keeps its service waiting or hangs
 * up (decision 0099). Each proves that it was met.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { endSessions, lockLargest } from '@svyaz/observe/database-faults.ts'
import { faultHits, type MailFault, type ProcessorFault, setFault } from '@svyaz/observe/ledger.ts'
import type { System } from '@svyaz/system/testing'

export type EdgeFault =
  | { readonly kind: 'processor'; readonly target: string; readonly fault: ProcessorFault; readonly forMs: number }
  | { readonly kind: 'mails'; readonly target: string; readonly fault: MailFault; readonly forMs: number }
  /** Of a service: its largest table is locked, or its sessions are ended, for a while. */
  | { readonly kind: 'locked' | 'severed'; readonly target: string; readonly forMs: number }

export interface EdgeOutcome {
  readonly fired: boolean
  readonly note: string
}

/** Carries one out; it is over when this resolves. @throws what the far end says */
export async function breakEdge(fault: EdgeFault, system: Pick<System, 'url' | 'databaseUrl'>): Promise<EdgeOutcome> {
  const { target, forMs } = fault
  switch (fault.kind) {
    case 'processor':
    case 'mails': {
      const place = system.url(target)
      await setFault(place, fault.fault)
      try {
        await delay(forMs)
        const hits = await faultHits(place)
        return { fired: hits > 0, note: `${hits} requests were hit` }
      } finally {
        await setFault(place, { mode: 'ok' })
      }
    }
    case 'locked': {
      const waited = await lockLargest(system.databaseUrl(target), forMs)
      return { fired: waited > 0, note: `${waited} statements waited at once` }
    }
    case 'severed': {
      const ended = await endSessions(system.databaseUrl(target), target, forMs)
      return { fired: ended > 0, note: `${ended} sessions were ended` }
    }
  }
}
