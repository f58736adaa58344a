/** ws + @platformatic/kafka: what comes while a produce is under way goes with the next one. */
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'
import { WebSocketServer } from 'ws'
import { type PeerMessage, readPeerSettings, stamp } from '../peer.ts'

const settings = readPeerSettings()
const producer = new Producer({
  clientId: 'mc2',
  bootstrapBrokers: [settings.kafka],
  serializers: stringSerializers,
  acks: ProduceAcks.ALL,
})
await producer.metadata({ topics: [settings.topic] })
let waiting: { topic: string; key: string; value: string }[] = []
let sending = false
const send = async () => {
  sending = true
  while (waiting.length > 0) {
    const messages = waiting
    waiting = []
    await producer.send({ messages })
  }
  sending = false
}
const server = new WebSocketServer({ port: settings.mc2Port, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket) =>
  socket.on('message', (bytes) => {
    const message = JSON.parse(String(bytes)) as PeerMessage
    message.MC2_timestamp = stamp()
    waiting.push({ topic: settings.topic, key: String(message.id), value: JSON.stringify(message) })
    if (!sending) void send()
  }),
)
server.on('listening', () => process.send?.({ ready: true }))
