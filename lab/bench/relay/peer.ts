/** What the two peer stacks have in common: their settings, the message, and the making of messages. */
export interface PeerSettings {
  readonly mc1Port: number
  readonly mc2Port: number
  readonly kafka: string
  readonly topic: string
  readonly databaseUrl: string
  readonly inFlight: number
  /** 0: as many as `inFlight` lets. */
  readonly messagesPerSecond: number
}

/** Settings of a process of a compared stack: JSON in its first argument. */
export const readPeerSettings = (): PeerSettings => JSON.parse(process.argv[2] ?? '{}') as PeerSettings

/** What the bench says to MC1 of a stack: run one session, so long. */
export interface SessionOrder {
  readonly session: number
  readonly seconds: number
}

export interface PeerMessage {
  id: number
  session_id: number
  MC1_timestamp: string | null
  MC2_timestamp: string | null
  MC3_timestamp: string | null
  end_timestamp: string | null
}

/** Wall time with µs, RFC 3339. */
export const stamp = (): string => {
  const micros = Math.round((performance.timeOrigin + performance.now()) * 1_000)
  const ms = Math.floor(micros / 1_000)
  return `${new Date(ms).toISOString().slice(0, 23)}${String(micros - ms * 1_000).padStart(3, '0')}Z`
}

/** Makes messages and keeps `inFlight` of them under way until the time is over and all are back. */
export const createSource = (settings: PeerSettings, send: (message: PeerMessage) => void) => {
  let nextId = 1
  let underWay = 0
  let making = false
  let session = 0
  let ended = () => {}
  const make = () => {
    underWay += 1
    send({
      id: nextId++,
      session_id: session,
      MC1_timestamp: stamp(),
      MC2_timestamp: null,
      MC3_timestamp: null,
      end_timestamp: null,
    })
  }
  const fill = () => {
    while (making && underWay < settings.inFlight) make()
  }
  return {
    /** One session; resolves when every message is back. */
    async run(order: SessionOrder): Promise<number> {
      session = order.session
      making = true
      const startedMs = performance.now()
      const over = new Promise<void>((resolve) => {
        ended = resolve
      })
      let made = 0
      const pace =
        settings.messagesPerSecond > 0
          ? setInterval(() => {
              const due = ((performance.now() - startedMs) / 1_000) * settings.messagesPerSecond
              for (; made < due && underWay < settings.inFlight; made += 1) make()
            }, 1)
          : undefined
      if (!pace) fill()
      setTimeout(() => {
        making = false
        clearInterval(pace)
        if (underWay === 0) ended()
      }, order.seconds * 1_000)
      await over
      return (performance.now() - startedMs) / 1_000
    },
    back(count: number) {
      underWay -= count
      if (settings.messagesPerSecond === 0) fill()
      if (!making && underWay === 0) ended()
    },
  }
}
