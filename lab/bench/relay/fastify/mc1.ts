/** Fastify + ws + pg: what comes while an INSERT is under way is written together by the next one. */
import Fastify from 'fastify'
import pg from 'pg'
import { WebSocket } from 'ws'
import { createSource, type PeerMessage, readPeerSettings, type SessionOrder, stamp } from '../peer.ts'

const settings = readPeerSettings()
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 4 })
const socket = new WebSocket(`ws://127.0.0.1:${settings.mc2Port}`, { perMessageDeflate: false })
const source = createSource(settings, (message) => socket.send(JSON.stringify(message)))

const insert = `INSERT INTO messages SELECT * FROM
  unnest($1::int[], $2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
  ON CONFLICT DO NOTHING`
let waiting: { message: PeerMessage; done: () => void }[] = []
let writing = false
const write = async () => {
  writing = true
  while (waiting.length > 0) {
    const batch = waiting
    waiting = []
    const column = (name: keyof PeerMessage) => batch.map(({ message }) => message[name])
    await pool.query({
      name: 'insert',
      text: insert,
      values: [
        column('session_id'),
        column('id'),
        column('MC1_timestamp'),
        column('MC2_timestamp'),
        column('MC3_timestamp'),
        column('end_timestamp'),
      ],
    })
    for (const { done } of batch) done()
    source.back(batch.length)
  }
  writing = false
}

const app = Fastify()
app.post('/messages', (request, reply) => {
  const message = request.body as PeerMessage
  message.end_timestamp = stamp()
  waiting.push({ message, done: () => void reply.code(204).send() })
  if (!writing) void write()
  return reply
})
await app.listen({ port: settings.mc1Port, host: '127.0.0.1' })
process.on('message', (order) => void source.run(order as SessionOrder).then((seconds) => process.send?.({ seconds })))
socket.on('open', () => process.send?.({ ready: true }))
