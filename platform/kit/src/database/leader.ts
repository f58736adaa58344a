/**
 * One instance of a service does some work, the others stand by: a PostgreSQL session advisory lock, held on a
 * connection of its own. The lock ends with the session, and the session ends
 * - with the process: the next one has the lock when it asks again, within a second;
 * - when the leader is frozen: it must speak every 3 s, and PostgreSQL ends a session that idles for 10 s
 *   (`idle_session_timeout`). A leader that wakes up later finds its connection gone and its work's signal aborted.
 * So two may overlap for a moment; work under this lock must be safe to do twice (docs/decisions/0020).
 *
 * Those that stand by ask once a second. They don't wait inside of a statement: it would hold its snapshot for as long
 * as the other leads, and until then no dead row of the database could be cleared away (docs/decisions/0107).
 *
 * What only the leader wants to hear it hears on the same connection: another would be another process of PostgreSQL
 * for each instance (docs/decisions/0102).
 */
import type pg from 'pg'
import type { Core } from '../core.ts'
import { backOffMs } from './back-off.ts'
import { connect } from './connection.ts'
import { listenTo } from './listener.ts'

const tryLock = 'select pg_try_advisory_lock(hashtextextended($1, 0)) as locked'
const askEveryMs = 1_000
const speakEveryMs = 3_000
const idleSessionMs = 10_000

/** What an instance does while it leads. */
export interface Leading {
  /** Of the lock, and of the channel that `heard` is about. */
  readonly name: string
  /** Ends soon after its signal is aborted. */
  readonly work: (signal: AbortSignal) => Promise<void>
  /** Called for each NOTIFY on the channel, from before `work` begins; one sent while nobody leads is lost. */
  readonly heard?: (() => void) | undefined
}

/** Resolves when `signal` is aborted and the work has returned. An error of it is logged and it is run again. */
export async function leadWhile(core: Core, url: string, signal: AbortSignal, leading: Leading): Promise<void> {
  const { name } = leading
  for (let failures = 0; !signal.aborted; ) {
    try {
      const led = await standAndLead(core, url, signal, leading)
      failures = led ? 0 : failures + 1
    } catch (error) {
      failures += 1
      if (!signal.aborted) core.log.warn({ leader: name, error: String(error) }, 'not leading for now')
    }
    if (signal.aborted) return
    await core.clock.delay(backOffMs(failures + 1, 100, 5_000, core.random), signal).catch(() => undefined)
  }
}

async function standAndLead(
  core: Core,
  url: string,
  signal: AbortSignal,
  { name, work, heard }: Leading,
): Promise<boolean> {
  const { client, ended, close } = await connect(core, url, `leader ${name}`)
  const tenure = new AbortController()
  const resign = () => tenure.abort()
  signal.addEventListener('abort', resign, { once: true })
  const stop = new Promise<void>((resolve) => tenure.signal.addEventListener('abort', () => resolve(), { once: true }))
  void ended.then(resign)
  try {
    if (signal.aborted) return true
    await client.query(`set idle_session_timeout = ${idleSessionMs}`)
    if (!(await locked(core, client, name, tenure.signal, stop))) return signal.aborted
    // From here on a server that says nothing ends the tenure, whatever is asked of it.
    const speaking = speak(core, client, tenure)
    try {
      if (heard) {
        client.on('notification', heard)
        const listening = client.query(listenTo(name))
        listening.catch(() => undefined)
        await Promise.race([listening, stop])
      }
      if (tenure.signal.aborted) return signal.aborted
      core.log.info({ leader: name }, 'leading')
      await work(tenure.signal)
    } finally {
      resign()
      await speaking
    }
    return true
  } finally {
    resign()
    signal.removeEventListener('abort', resign)
    await close()
  }
}

/**
 * Asks for the lock until it is there. A server that says nothing is waited for as long as the connection lasts: nothing
 * is led meanwhile.
 * @returns false when the tenure ended before it began
 */
async function locked(
  core: Core,
  client: pg.Client,
  name: string,
  tenure: AbortSignal,
  stop: Promise<void>,
): Promise<boolean> {
  while (!tenure.aborted) {
    const asked = client.query<{ locked: boolean }>(tryLock, [name])
    const answer = await Promise.race([asked.catch(() => undefined), stop])
    if (!answer) return false
    if (answer.rows[0]?.locked) return true
    await core.clock.delay(askEveryMs, tenure).catch(() => undefined)
  }
  return false
}

async function speak(core: Core, client: pg.Client, tenure: AbortController): Promise<void> {
  while (!tenure.signal.aborted) {
    await core.clock.delay(speakEveryMs, tenure.signal).catch(() => undefined)
    if (tenure.signal.aborted) return
    const answered = await Promise.race([
      client.query('select 1').then(
        () => true,
        () => false,
      ),
      // A server that says nothing for so long has given the lock away already, or will.
      core.clock.delay(idleSessionMs - speakEveryMs, tenure.signal).then(
        () => false,
        () => false,
      ),
    ])
    if (!answered) tenure.abort()
  }
}
