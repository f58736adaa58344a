/**
 * Faults on an edge, made at its far end: the world outside simulates them, a database keeps its service waiting or hangs
 * up (decision 0099). Each proves that it was met.
 */
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

export interface EdgeCourse {
  /** The fault is switched on through this. */
  begin<T>(act: () => Promise<T>): Promise<T>
  /** For as long as it lasts. */
  last(ms: number): Promise<void>
}

/**
 * Carries one out; it is over when this resolves. What is done to a database ends with the session that does it, whatever
 * happens.
 * @throws what the far end says, or whoever refuses the beginning
 */
export async function breakEdge(
  fault: EdgeFault,
  system: Pick<System, 'url' | 'databaseUrl'>,
  { begin, last }: EdgeCourse,
): Promise<EdgeOutcome> {
  const { target, forMs } = fault
  switch (fault.kind) {
    case 'processor':
    case 'mails': {
      const place = system.url(target)
      await begin(() => setFault(place, fault.fault))
      try {
        await last(forMs)
        const hits = await faultHits(place)
        return { fired: hits > 0, note: `${hits} requests were hit` }
      } finally {
        await setFault(place, { mode: 'ok' })
      }
    }
    case 'locked': {
      const waited = await begin(() => lockLargest(system.databaseUrl(target), forMs))
      return { fired: waited > 0, note: `${waited} statements waited at once` }
    }
    case 'severed': {
      const ended = await begin(() => endSessions(system.databaseUrl(target), target, forMs))
      return { fired: ended > 0, note: `${ended} sessions were ended` }
    }
  }
}
