/** ws + kafkajs: each message is produced as it comes, acknowledged by all in-sync replicas. */
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { WebSocketServer } from 'ws'
import { type PeerMessage, readPeerSettings, stamp } from '../peer.ts'

const settings = readPeerSettings()
const kafka = new Kafka({ clientId: 'mc2', brokers: [settings.kafka], logLevel: logLevel.ERROR })
const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
await producer.connect()
const server = new WebSocketServer({ port: settings.mc2Port, host: '127.0.0.1', perMessageDeflate: false })
server.on('connection', (socket) =>
  socket.on('message', async (bytes) => {
    const message = JSON.parse(String(bytes)) as PeerMessage
    message.MC2_timestamp = stamp()
    await producer.send({
      topic: settings.topic,
      acks: -1,
      messages: [{ key: String(message.id), value: JSON.stringify(message) }],
    })
  }),
)
server.on('listening', () => process.send?.({ ready: true }))
