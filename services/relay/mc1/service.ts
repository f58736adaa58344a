/** MC1: makes messages, sends them on their way, and stores them when they are back. Read `sessions.ts` next. */
import { type Context, defineService } from '@svyaz/kit'
import { type RelayValues, type Settings, settingsWith } from './config.ts'
import { httpEdge } from './http.ts'
import { createLink, type Link } from './link.ts'
import { migrations } from './migrations.ts'
import { returnsEdge } from './returns.ts'
import { createSessions, type Sessions } from './sessions.ts'
import { createStorage } from './storage.ts'

/** `values` are the configuration file's; `print` writes a line to the console. */
export const relayService = (values: RelayValues, print: (line: string) => void) =>
  defineService({
    name: 'mc1',
    settings: settingsWith(values),
    database: { migrations },
    async start(context: Context<Settings>) {
      const storage = createStorage(context.database)
      const interrupted = await storage.interruptRunning()
      for (const session of interrupted) print(`Relay session ${session} was interrupted: MC1 ended while it ran.`)
      const latest = await storage.lastSession()
      await context.discovery.watch('mc2')

      const link: Link = createLink(context, () => sessions.wayIsOpen())
      const sessions: Sessions = createSessions(context, { storage, latest, send: link.send, print })
      return {
        http: httpEdge(context, { sessions, storage, link }),
        rawHttp: [
          returnsEdge(context, {
            storage,
            latestSession: sessions.latest,
            stored: sessions.stored,
          }),
        ],
        workers: [link],
        async close() {
          if (sessions.current()) await storage.interruptRunning()
        },
      }
    },
  })
