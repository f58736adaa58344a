import assert from 'node:assert/strict'
import { test } from 'node:test'
import { publicGrpcMethods } from '@svyaz/contracts/proto/public.ts'
import { publicMethodAt, publicMethods } from './public-methods.ts'

test('what is open to users is what the contract says is open', () => {
  assert.deepEqual(publicMethods.map(({ path }) => path.slice(1)).sort(), publicGrpcMethods.toSorted())
  for (const name of publicGrpcMethods) assert.equal(publicMethodAt(`/${name}`)?.path, `/${name}`)
})
