/**
 * Load that is not work, as kinds of attackers: each repeats one thing at a bounded rate until it is told to stop, from
 * addresses of its own where the operating system has them.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { bearerSubprotocolPrefix, subprotocol } from '@svyaz/contracts/socket/notifications.ts'
import { ask } from '@svyaz/observe/http.ts'
import type { AttackContext } from '../attack/attack.ts'
import { attacksOn, slowBody } from '../attack/attacks.ts'
import { loopback } from '../attack/subjects.ts'
import type { Subject, Target } from '../attack/suite.ts'
import { carryOut, type Step } from '../attack/wire.ts'
import type { Random } from '../random.ts'

export interface Prey {
  readonly subjects: readonly Subject[]
  /** URL of the gateway. */
  readonly base: string
  /** An ordinary user whose password is guessed and whose address is registered again. */
  readonly knownEmail: string
  /** Of the attacker, who is a user like any other. */
  readonly token: string
  /** An order of the attacker, to be followed. */
  readonly orderId: string
}

interface Flood {
  readonly name: string
  /** How many do it at once … */
  readonly atOnce: number
  /** … and each so long after the last time. */
  readonly pauseMs: number
  /** All of them together stop after this many. */
  readonly timesMax: number
  readonly once: (prey: Prey, random: Random, signal: AbortSignal) => Promise<unknown>
}

/** Longer than any limit on bodies and heads: whoever lets them stay is held. */
const heldMs = 120_000
const accountsMax = 3_000

const gatewayOf = ({ subjects }: Prey): Target => {
  const found = subjects.flatMap(({ targets }) => targets).find(({ name }) => name === 'gateway-1/http')
  if (found === undefined) throw new Error('there is no gateway to attack')
  return found
}

const contextOf = ({ listener, at }: Target, random: Random, token?: string): AttackContext => ({
  listener,
  port: 'port' in at ? at.port : 0,
  random,
  token,
})

/** One of three addresses; 127.0.0.1, which everybody shares, among them. */
const anyAddress = (random: Random) => random.pick([loopback(2), loopback(3), '127.0.0.1'])

/** Something of the suite's list, with an end of its own choice. */
async function anyAttack({ subjects, token }: Prey, random: Random): Promise<void> {
  const target = random.pick(subjects.flatMap(({ targets }) => targets))
  const attack = random.pick(attacksOn(target.listener))
  const place = { at: target.at, from: anyAddress(random), inside: attack.inside }
  await carryOut(place, attack.steps(contextOf(target, random, token)))
}

/** Opens, says a part, and stays until the other side ends it. */
async function hold(
  target: Target,
  from: string | undefined,
  steps: readonly Step[],
  signal: AbortSignal,
): Promise<void> {
  const left = Promise.withResolvers<void>()
  signal.addEventListener('abort', () => left.resolve(), { once: true })
  await Promise.race([carryOut({ at: target.at, from }, [...steps, { until: 'closed', ms: heldMs }]), left.promise])
}

const upgrade = (port: number, token: string): string =>
  [
    'GET /notifications/stream HTTP/1.1',
    `Host: 127.0.0.1:${port}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    `Sec-WebSocket-Protocol: ${subprotocol}, ${bearerSubprotocolPrefix}${token}`,
    '\r\n',
  ].join('\r\n')

const follow = (port: number, token: string, orderId: string): string =>
  [
    `GET /orders/${orderId}/follow HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    `Authorization: Bearer ${token}`,
    'Accept: text/event-stream',
    '\r\n',
  ].join('\r\n')

/** Opened, left alone for a while, and dropped without a word. */
async function abandon(prey: Prey, random: Random, head: (port: number) => string): Promise<void> {
  const { at } = gatewayOf(prey)
  const port = 'port' in at ? at.port : 0
  const steps: Step[] = [{ send: head(port) }, { until: 'closed', ms: random.between(100, 3_000) }]
  await carryOut({ at, from: loopback(6) }, [...steps, ...(random.chance(0.5) ? (['reset'] as const) : [])])
}

const quietly = (asked: Promise<unknown>) => asked.catch(() => undefined)

export const floods: readonly Flood[] = [
  { name: 'attack of the suite', atOnce: 16, pauseMs: 100, timesMax: 200_000, once: anyAttack },
  {
    name: 'reset in the middle of a request',
    atOnce: 8,
    pauseMs: 100,
    timesMax: 100_000,
    once: async ({ subjects }, random) => {
      const target = random.pick(subjects.flatMap(({ targets }) => targets))
      const request = `GET ${target.listener.alive ?? '/'} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`
      const part = request.slice(0, random.between(1, request.length))
      await carryOut({ at: target.at, from: anyAddress(random) }, [{ send: part }, 'reset'])
    },
  },
  {
    // Most from one address, the rest from eight.
    name: 'body of one byte',
    atOnce: 1_100,
    pauseMs: 1_000,
    timesMax: 60_000,
    once: (prey, random, signal) => {
      const target = gatewayOf(prey)
      const from = random.chance(0.6) ? loopback(4) : loopback(random.between(20, 27))
      return hold(target, from, [{ send: slowBody(contextOf(target, random)) }], signal)
    },
  },
  {
    name: 'idle connection',
    atOnce: 400,
    pauseMs: 1_000,
    timesMax: 40_000,
    once: ({ subjects }, random, signal) =>
      hold(random.pick(subjects.flatMap(({ targets }) => targets)), loopback(8), [], signal),
  },
  {
    name: 'registration of a taken address',
    atOnce: 20,
    pauseMs: 200,
    timesMax: 60_000,
    once: ({ base, knownEmail }, random) =>
      quietly(
        ask('POST', `${base}/users`, {
          from: loopback(random.between(5, 7)),
          body: { email: knownEmail, password: `taken ${random.number()}`, name: 'Mallory' },
        }),
      ),
  },
  {
    name: 'registration of a new address',
    atOnce: 10,
    pauseMs: 300,
    timesMax: accountsMax,
    once: ({ base }, random) =>
      quietly(
        ask('POST', `${base}/users`, {
          from: loopback(random.between(5, 7)),
          body: {
            email: `mallory.${random.between(0, 2 ** 31)}@example.org`,
            password: `a new one ${random.number()}`,
            name: 'Mallory',
          },
        }),
      ),
  },
  {
    name: 'wrong login',
    atOnce: 20,
    pauseMs: 200,
    timesMax: 60_000,
    once: ({ base, knownEmail }, random) =>
      quietly(
        ask('POST', `${base}/auth/login`, {
          from: random.chance(0.2) ? '127.0.0.1' : loopback(random.between(5, 7)),
          body: {
            email: random.chance(0.7) ? knownEmail : `nobody.${random.between(0, 1_000)}@example.org`,
            password: `wrong ${random.number()}`,
          },
        }),
      ),
  },
  {
    name: 'WebSocket, abandoned',
    atOnce: 10,
    pauseMs: 200,
    timesMax: 40_000,
    once: (prey, random) => abandon(prey, random, (port) => upgrade(port, prey.token)),
  },
  {
    name: 'event stream, abandoned',
    atOnce: 10,
    pauseMs: 200,
    timesMax: 40_000,
    once: (prey, random) => abandon(prey, random, (port) => follow(port, prey.token, prey.orderId)),
  },
]

/** Runs every flood until the signal; returns how often each was carried out. */
export async function flood(prey: Prey, random: Random, signal: AbortSignal): Promise<Record<string, number>> {
  const counts: Record<string, number> = Object.fromEntries(floods.map(({ name }) => [name, 0]))
  const attacker = async ({ name, pauseMs, timesMax, once }: Flood, own: Random): Promise<void> => {
    // Not all of them in the same millisecond: connecting, too, has its limits.
    await rest(own.between(0, 2_000), signal)
    while (!signal.aborted && (counts[name] ?? 0) < timesMax) {
      counts[name] = (counts[name] ?? 0) + 1
      await once(prey, own, signal)
      await rest(pauseMs, signal)
    }
  }
  await Promise.all(floods.flatMap((kind) => Array.from({ length: kind.atOnce }, () => attacker(kind, random.fork()))))
  return counts
}

const rest = (ms: number, signal: AbortSignal) => delay(ms, undefined, { signal }).catch(() => undefined)
