/** MC1: makes messages, sends them on their way, and stores them when they are back. Read `sessions.ts` next. */
import { type Context, defineService } from '@svyaz/kit'
import { type RelayValues, type Settings, settingsWith } from './config.ts'
import { httpEdge } from './http.ts'
import { Link } from './link.ts'
import { migrations } from './migrations.ts'
import { returnsEdge } from './returns.ts'
import { Sessions } from './sessions.ts'
import { RelayStorage } from './storage.ts'

/** `values` are the configuration file's; `print` writes a line to the console. */
export const relayService = (values: RelayValues, print: (line: string) => void) =>
  defineService({
    name: 'mc1',
    settings: settingsWith(values),
    database: { migrations },
    async start(context: Context<Settings>) {
      const storage = new RelayStorage(context.database)
      const interrupted = await storage.interruptRunning()
      for (const session of interrupted) print(`Relay session ${session} was interrupted: MC1 ended while it ran.`)
      const latest = await storage.lastSession()
      await context.discovery.watch('mc2')

      const link: Link = new Link(context, () => sessions.wayIsOpen())
      const sessions: Sessions = new Sessions(context, { storage, latest, send: (frames) => link.send(frames), print })
      return {
        http: httpEdge(context, { sessions, storage, link }),
        rawHttp: [
          returnsEdge(context, {
            storage,
            latestSession: () => sessions.latest(),
            stored: (messages, commitMicros) => sessions.stored(messages, commitMicros),
          }),
        ],
        workers: [link],
        async close() {
          if (sessions.current()) await storage.interruptRunning()
        },
      }
    },
  })
