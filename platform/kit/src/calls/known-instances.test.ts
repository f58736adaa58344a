import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foundIn } from './known-instances.ts'
import { signatureName } from './signed-registration.ts'

const entry = (service: object, node: object = { Address: '10.0.0.9' }) => ({
  Service: { ID: 'a', ...service },
  Node: node,
})
const portsOf = (service: object) => foundIn(entry(service))?.instance.ports

describe('an entry of discovery', () => {
  test('the port alone is its HTTP port, unless Meta says otherwise', () => {
    assert.deepEqual(portsOf({ Port: 8001 }), { http: 8001 })
    assert.deepEqual(portsOf({ Port: 8001, Meta: null }), { http: 8001 })
    assert.deepEqual(portsOf({ Port: 8001, Meta: { grpc: '9001' } }), { http: 8001, grpc: 9001 })
    assert.deepEqual(portsOf({ Port: 8001, Meta: { http: '8002' } }), { http: 8002 })
    assert.deepEqual(portsOf({ Port: 0 }), {})
  })

  test('what is signed has the ports that were signed, and no other', () => {
    assert.deepEqual(portsOf({ Port: 8103, Meta: { management: '8103', [signatureName]: 'x.y.z' } }), {
      management: 8103,
    })
  })

  test('without an address of its own it is where its node is; without any it is nowhere', () => {
    assert.equal(foundIn(entry({ Port: 1 }))?.instance.host, '10.0.0.9')
    assert.equal(foundIn(entry({ Port: 1, Address: '127.0.0.1' }))?.instance.host, '127.0.0.1')
    assert.equal(foundIn(entry({ Port: 1 }, {})), undefined)
  })
})
