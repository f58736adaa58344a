/** Two administrators on a real inventory, told apart by the tokens that the gateway would give them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { createSigner } from '../../platform/kit/src/identity/identity.ts'
import { testCore } from '../../platform/kit/test/core-fixture.ts'
import { startSystem } from '../../system/src/testing.ts'

test("an Idempotency-Key of a restock is its administrator's own", { timeout: 120_000 }, async () => {
  await using system = await startSystem({
    only: ['postgres', 'broker', 'discovery', 'inventory', 'gateway'],
    exactly: true,
  })
  const keys = join(system.home, 'keys')
  const signer = await createSigner(
    testCore({ service: 'gateway', keyFile: join(keys, 'gateway.json'), jwksFile: join(keys, 'jwks.json') }),
  )
  const restock = async (userId: string, quantity: number) => {
    const response = await fetch(`${system.url('inventory')}/products/P-1001/restock`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${await signer.userToken('inventory', { userId, roles: ['admin'] })}`,
        'content-type': 'application/json',
        'idempotency-key': 'monday',
      },
      body: JSON.stringify({ quantity }),
    })
    return { status: response.status, body: (await response.json()) as { stocked: number; code?: string } }
  }
  const [ann, bob] = ['0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4e', '0198b6f0-2f4e-7c3a-9d1e-6a4f1c2b3d4f'] as const

  const first = await restock(ann, 5)
  assert.equal(first.status, 200)
  assert.deepEqual(await restock(ann, 5), first, 'the same request again')
  assert.equal((await restock(ann, 6)).body.code, 'idempotency_key_reused')
  const other = await restock(bob, 7)
  assert.deepEqual([other.status, other.body.stocked], [200, first.body.stocked + 7])
  assert.deepEqual(await restock(bob, 7), other)
  assert.deepEqual(await restock(ann, 5), first, 'and the first is still answered as it was')
})
