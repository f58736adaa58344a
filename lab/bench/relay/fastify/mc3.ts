/** @platformatic/kafka + undici: one POST for each message, up to 64 at once, offsets committed by the client. */
import { Consumer, MessagesStreamModes, stringDeserializers } from '@platformatic/kafka'
import { Pool } from 'undici'
import { type PeerMessage, readPeerSettings, stamp } from '../peer.ts'

const settings = readPeerSettings()
const pool = new Pool(`http://127.0.0.1:${settings.mc1Port}`, { connections: 64, pipelining: 1 })
const consumer = new Consumer({
  clientId: 'mc3',
  groupId: `mc3-${settings.topic}`,
  bootstrapBrokers: [settings.kafka],
  deserializers: stringDeserializers,
})
const stream = await consumer.consume({
  topics: [settings.topic],
  mode: MessagesStreamModes.EARLIEST,
  autocommit: 100,
  maxWaitTime: 1_000,
  minBytes: 1,
  highWaterMark: 4_096,
})
process.send?.({ ready: true })
const concurrent = 64
let atWork = 0
let room = () => {}
for await (const { value } of stream) {
  if (atWork >= concurrent)
    await new Promise<void>((resolve) => {
      room = resolve
    })
  atWork += 1
  const message = JSON.parse(value) as PeerMessage
  message.MC3_timestamp = stamp()
  void pool
    .request({
      method: 'POST',
      path: '/messages',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(message),
    })
    .then(({ body }) => body.dump())
    .finally(() => {
      atWork -= 1
      room()
    })
}
