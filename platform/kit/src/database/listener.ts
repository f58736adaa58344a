/**
 * LISTEN for a whole process over one connection, opened when the first channel is asked for and reopened when it
 * breaks. A NOTIFY sent while it was away is lost, so every listener is woken after each (re)connection.
 */
import type { Core } from '../core.ts'
import { aborted } from '../process/waiting.ts'
import { backOffMs } from './back-off.ts'
import { connect } from './connection.ts'

export interface Listener {
  listen(channel: string, wake: (payload: string) => void): AsyncDisposable
  close(): Promise<void>
}

type Connection = Awaited<ReturnType<typeof connect>>

/** The statement with which a connection begins to hear what is said on a channel. */
export const listenTo = (channel: string): string => `listen ${quote(channel)}`

const quote = (channel: string): string => `"${channel.replaceAll('"', '""')}"`

/**
 * LISTEN on a connection of its own, opened again when it breaks.
 * @param url of the database
 */
export function createListener(core: Core, url: string): Listener {
  const channels = new Map<string, Set<(payload: string) => void>>()
  const stopping = new AbortController()
  let connection: Connection | undefined
  let running: Promise<void> | undefined

  const wakeAll = (channel: string, payload: string) => {
    for (const wake of channels.get(channel) ?? []) wake(payload)
  }

  const run = async () => {
    for (let failures = 0; !stopping.signal.aborted; ) {
      try {
        const opened = await connect(core, url, 'listen')
        opened.client.on('notification', (message) => wakeAll(message.channel, message.payload ?? ''))
        connection = opened
        for (const channel of channels.keys()) await opened.client.query(listenTo(channel))
        failures = 0
        for (const channel of channels.keys()) wakeAll(channel, '')
        await Promise.race([opened.ended, aborted(stopping.signal)])
      } catch (error) {
        failures += 1
        if (failures === 1) core.log.warn({ error: String(error) }, 'LISTEN is away, trying again')
      }
      await connection?.close()
      connection = undefined
      if (stopping.signal.aborted) return
      await core.clock.delay(backOffMs(failures + 1, 100, 5_000, core.random), stopping.signal).catch(() => undefined)
    }
  }

  return {
    listen(channel, wake) {
      const listeners = channels.get(channel)
      if (listeners) listeners.add(wake)
      else {
        channels.set(channel, new Set([wake]))
        // A failure here ends the connection, and its successor listens to every channel.
        connection?.client.query(listenTo(channel)).then(
          () => wakeAll(channel, ''),
          () => undefined,
        )
      }
      running ??= run()
      return {
        async [Symbol.asyncDispose]() {
          const rest = channels.get(channel)
          rest?.delete(wake)
          if (rest?.size !== 0) return
          channels.delete(channel)
          await connection?.client.query(`unlisten ${quote(channel)}`).catch(() => undefined)
        },
      }
    },
    async close() {
      stopping.abort()
      await running
    },
  }
}
