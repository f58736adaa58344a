/** kafkajs + axios: one POST for each message, all partitions at once, offsets committed behind what was posted. */
import { Agent } from 'node:http'
import axios from 'axios'
import { Kafka, logLevel } from 'kafkajs'
import { type PeerMessage, readPeerSettings, stamp } from '../peer.ts'

const settings = readPeerSettings()
const client = axios.create({ httpAgent: new Agent({ keepAlive: true, maxSockets: 64 }) })
const kafka = new Kafka({ clientId: 'mc3', brokers: [settings.kafka], logLevel: logLevel.ERROR })
const consumer = kafka.consumer({ groupId: `mc3-${settings.topic}`, maxWaitTimeInMs: 100 })
await consumer.connect()
await consumer.subscribe({ topic: settings.topic, fromBeginning: true })
consumer.on(consumer.events.GROUP_JOIN, () => process.send?.({ ready: true }))
await consumer.run({
  partitionsConsumedConcurrently: 6,
  async eachMessage({ message: record }) {
    const message = JSON.parse(String(record.value)) as PeerMessage
    message.MC3_timestamp = stamp()
    await client.post(`http://127.0.0.1:${settings.mc1Port}/messages`, message)
  },
})
