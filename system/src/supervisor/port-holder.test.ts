import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { test } from 'node:test'
import { describePortHolder, listenerInodes } from './port-holder.ts'

// Recorded from Linux 6.8: 127.0.0.1:8080 listening, a connection of it established, [::]:8500 listening.
const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 112233 1 0000000000000000 100 0 0 10 0
   1: 0100007F:1F90 0100007F:C35A 01 00000000:00000000 02:000003E8 00000000  1000        0 112299 2 0000000000000000 20 4 30 10 -1
   2: 00000000000000000000000000000000:2134 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 445566 1 0000000000000000 100 0 0 10 0
`

test('only listening sockets of that port count', () => {
  assert.deepEqual(listenerInodes(table, 8080), ['112233'])
  assert.deepEqual(listenerInodes(table, 8500), ['445566'])
  assert.deepEqual(listenerInodes(table, 80), [])
  assert.deepEqual(listenerInodes('', 80), [])
})

test('names the process that listens', { skip: process.platform !== 'linux' && 'needs /proc' }, async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  assert.match(describePortHolder((server.address() as AddressInfo).port), new RegExp(`node.*\\(pid ${process.pid}\\)`))
  server.close()
  await once(server, 'close')
})
