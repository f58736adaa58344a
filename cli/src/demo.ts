/**
 * `svyaz demo`: four orders through the running system — one completes, one is declined and compensated, one is changed
 * and cancelled, one is paid "now" — watched over WebSocket, each story told hop by hop. Starts what is not running and
 * stops what it started.
 */

import { stepWords } from '@svyaz/console/story-words.ts'
import type { Story } from '@svyaz/contracts/http/order-story.ts'
import { statusesThat } from '@svyaz/contracts/http/order-terms.ts'
import type { OrderView } from '@svyaz/contracts/http/orders.ts'
import type { NotificationFrame } from '@svyaz/contracts/socket/notifications.ts'
import type { Feed } from '@svyaz/observe/feed.ts'
import { administrator, Person } from '@svyaz/observe/person.ts'
import type { Instances } from '@svyaz/system/supervisor/control-client.ts'
import type { Invocation } from './command.ts'
import { ask, supervisorOn } from './control-client.ts'
import { traceLines } from './demo-trace.ts'
import { demand, requestEveryMs, send } from './demo-user.ts'
import { down } from './down.ts'
import { CliError, exitCodes } from './errors.ts'
import type { Terminal } from './terminal.ts'
import { up } from './up.ts'

/** The kinds of frames that report an order's end. */
const endings: ReadonlySet<string> = new Set(statusesThat('final').map((status) => `order.${status}`))

/** The window in which the third order is changed, ms. */
const changeWindowMs = 5_000

/**
 * `svyaz demo`: some orders with a story each, told as they go.
 * @returns the exit code
 */
export async function demo(invocation: Invocation): Promise<number> {
  const { config, terminal, flags } = invocation
  const startedHere = supervisorOn(config.home) === undefined
  if (startedHere) {
    terminal.print('Nothing runs here yet: starting the system.')
    stopOnSignal(invocation)
    await up({ ...invocation, flags: { ...flags, detach: true, json: false } })
  }
  try {
    const { instances } = await ask<Instances>(config.home, 'GET', '/instances')
    const port = (name: string, role: string): number => {
      const number = instances.find((instance) => instance.name === `${name}-1`)?.ports[role]
      if (number === undefined) throw new CliError(`${name} isn't part of the running system; the demo needs all of it`)
      return number
    }
    const gateway = `http://127.0.0.1:${port('gateway', 'http')}`
    const ordersInfo = instances
      .filter((instance) => instance.name.startsWith('orders-'))
      .map((instance) => `http://127.0.0.1:${instance.ports.management}/info`)
    const told = await play(gateway, ordersInfo, `http://127.0.0.1:${port('telemetry', 'otlp')}`, terminal)
    if (flags.json) terminal.json(told)
    return exitCodes.ok
  } finally {
    if (startedHere) {
      terminal.print('')
      await down({ ...invocation, flags: {} })
    }
  }
}

/** What the demo started runs in the background: Ctrl-C has to end that too. npm may pass the same key on again. */
function stopOnSignal(invocation: Invocation): void {
  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (stopping) return
      stopping = true
      void down({ ...invocation, flags: {} }).finally(() => process.exit(exitCodes.failed))
    })
  }
}

/** Ada's four orders, told on the terminal as they go. */
class Play {
  readonly #ada: Person
  readonly #feed: Feed
  readonly #terminal: Terminal
  readonly #stories: Story[] = []

  constructor(ada: Person, feed: Feed, terminal: Terminal) {
    this.#ada = ada
    this.#feed = feed
    this.#terminal = terminal
  }

  get stories(): readonly Story[] {
    return this.#stories
  }

  title(text: string): void {
    this.#terminal.print(`\n${this.#terminal.paint('bold', text)}`)
  }

  async placeAll(ordersInfo: readonly string[]): Promise<void> {
    await this.#follow('1. Two lamps, paid by the queue: completes', { items: [{ productId: 'P-1001', quantity: 2 }] })
    await this.#follow('2. A card that is declined: the stock is released again', {
      items: [{ productId: 'P-1025', quantity: 1 }],
      paymentMethod: 'pm_declined',
    })
    await this.#changeAndCancel(ordersInfo)
    await this.#follow('4. Paid "now": orders calls payments over gRPC', {
      items: [{ productId: 'P-1004', quantity: 1 }],
      payment: 'now',
    })
  }

  async #changeAndCancel(ordersInfo: readonly string[]): Promise<void> {
    const ada = this.#ada
    const admin = await Person.signIn(ada.gateway, administrator)
    await setWindow(admin, ordersInfo, changeWindowMs)
    try {
      await this.#follow(
        '3. Changed, then cancelled, within the change window',
        { items: [{ productId: 'P-1053', quantity: 1 }] },
        async (order) => {
          await send(ada, 'PATCH', `/orders/${order.id}`, { items: [{ productId: 'P-1053', quantity: 3 }] })
          await send(ada, 'POST', `/orders/${order.id}/cancel`)
        },
      )
    } finally {
      await setWindow(admin, ordersInfo, null)
    }
  }

  async #follow(headline: string, body: object, meanwhile?: (order: OrderView) => Promise<void>): Promise<void> {
    this.title(headline)
    const terminal = this.#terminal
    const order = await send<OrderView>(this.#ada, 'POST', '/orders', body)
    terminal.print(terminal.paint('dim', `  order ${order.id}, ${order.totalPrice.toFixed(2)} EUR`))
    await meanwhile?.(order)
    // Her WebSocket says when: asking again and again would use up what she may ask in a minute.
    await demand(`order ${order.id} to end`, async () =>
      this.#feed.framesOf(order.id).some((kind) => endings.has(kind)) ? true : undefined,
    )
    const ended = await demand(
      `the story of order ${order.id} to say that Ada was told`,
      async () => {
        const story = await send<Story>(this.#ada, 'GET', `/orders/${order.id}/story`)
        return toldTheUser(story) ? story : undefined
      },
      requestEveryMs,
    )
    this.#stories.push(ended)
    for (const line of storyLines(ended, terminal)) terminal.print(line)
  }
}

async function play(
  gateway: string,
  ordersInfo: readonly string[],
  telemetry: string,
  terminal: Terminal,
): Promise<readonly Story[]> {
  const ada = await Person.register(gateway, 'Ada')
  await using feed = await ada.openFeed()
  terminal.print(`\nRegistered ${ada.email} and opened a WebSocket for her.`)
  const orders = new Play(ada, feed, terminal)
  await orders.placeAll(ordersInfo)

  orders.title('What Ada was told over her WebSocket')
  for (const frame of feed.frames) terminal.print(frameLine(frame, terminal))
  terminal.print(terminal.paint('dim', `  and ${feed.positions} positions of parcels on their way`))

  const traceId = orders.stories[0]?.steps.find((step) => step.traceId)?.traceId
  if (traceId) {
    orders.title(`The first order again, every hop (trace ${traceId})`)
    for (const line of await traceLines(telemetry, traceId, terminal)) terminal.print(line)
  }
  return orders.stories
}

/** The time in which orders can be changed; null: as it is by default. */
async function setWindow(admin: Person, ordersInfo: readonly string[], value: number | null): Promise<void> {
  await send(admin, 'PUT', '/admin/orders/embedded', {
    properties: { changeWindowMs: value },
    comment: 'the demo shows a change',
  })
  await demand('every instance of orders to take the new configuration', () => applied(ordersInfo, value ?? 0))
}

/** Mail and WebSocket are the last to be told; an order that ended still waits for them to be in its story. */
const toldTheUser = (story: Story): boolean => {
  const kind = `order.${story.status}`
  return (['mail_sent', 'frame_sent'] as const).every((code) =>
    story.steps.some((step) => step.code === code && step.data.about === kind),
  )
}

/** Whether all of them run with this change window now: no restart, but not in no time either. */
const applied = async (infoUrls: readonly string[], windowMs: number): Promise<true | undefined> => {
  const infos = await Promise.all(infoUrls.map(async (url) => (await fetch(url)).json() as Promise<Info>))
  return infos.every((info) => info.settings.changeWindowMs === windowMs) ? true : undefined
}
interface Info {
  settings: { changeWindowMs?: number }
}

function storyLines(story: Story, terminal: Terminal): string[] {
  const start = Date.parse(story.steps[0]?.at ?? '')
  return story.steps.map((step) => {
    const after = `+${Date.parse(step.at) - start} ms`.padStart(9)
    const who = step.service.padEnd(13)
    const via = terminal.paint('dim', step.via.padEnd(9))
    const { what, detail } = stepWords('en', step)
    return `  ${after}  ${terminal.paint('cyan', who)} ${via} ${what}${detail && terminal.paint('dim', `  ${detail}`)}`
  })
}

const frameLine = ({ cursor, title, detail, at }: NotificationFrame, terminal: Terminal): string => {
  return `  ${String(cursor).padStart(3)}  ${at.slice(11, 23)}  ${title}${detail ? terminal.paint('dim', `  ${detail}`) : ''}`
}
