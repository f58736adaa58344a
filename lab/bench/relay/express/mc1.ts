/** Express + ws + pg: one INSERT and one commit for each message that comes back. */
import express from 'express'
import pg from 'pg'
import { WebSocket } from 'ws'
import { createSource, type PeerMessage, readPeerSettings, type SessionOrder, stamp } from '../peer.ts'

const settings = readPeerSettings()
const pool = new pg.Pool({ connectionString: settings.databaseUrl, max: 20 })
const socket = new WebSocket(`ws://127.0.0.1:${settings.mc2Port}`)
const source = createSource(settings, (message) => socket.send(JSON.stringify(message)))
const app = express()
app.use(express.json())
app.post('/messages', async (request, response) => {
  const message = request.body as PeerMessage
  message.end_timestamp = stamp()
  await pool.query('INSERT INTO messages VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING', [
    message.session_id,
    message.id,
    message.MC1_timestamp,
    message.MC2_timestamp,
    message.MC3_timestamp,
    message.end_timestamp,
  ])
  response.status(204).end()
  source.back(1)
})
app.listen(settings.mc1Port, '127.0.0.1')
process.on('message', (order) => void source.run(order as SessionOrder).then((seconds) => process.send?.({ seconds })))
socket.on('open', () => process.send?.({ ready: true }))
