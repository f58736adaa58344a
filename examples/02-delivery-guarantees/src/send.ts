/**
 * One payment is written. When the broker's answer is lost, the client sends again: a plain producer leaves the record
 * twice, an idempotent one (KIP-98: producer id and sequence number) once. Whoever was killed and restarts has a new
 * producer id, which the broker can't compare: so the event carries an id of its own, made before the first try. With
 * acks=0 nobody asks for an answer, and nobody hears of what was lost.
 */
import { randomUUID } from 'node:crypto'
import { ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka'

/** `node src/send.ts <broker> <topic> plain|idempotent|acks-0 <payment> [<event id>]` */
const [broker = '', topic = '', kind = '', value = '', eventId = randomUUID()] = process.argv.slice(2)

const producer = new Producer({
  clientId: 'guarantees',
  bootstrapBrokers: [broker],
  serializers: stringSerializers,
  idempotent: kind === 'idempotent',
  retries: 5,
  retryDelay: 100,
})
await producer.send({
  acks: kind === 'acks-0' ? ProduceAcks.NO_RESPONSE : ProduceAcks.ALL,
  messages: [{ topic, key: 'order', value, headers: { ce_id: eventId } }],
})
await producer.close()
