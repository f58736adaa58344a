import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { Access } from '@svyaz/contracts/vocabulary.ts'
import type { Caller } from '../api.ts'
import { admit } from './access.ts'

const anonymous: Caller = { kind: 'anonymous' }
const user: Caller = { kind: 'user', userId: 'u', roles: ['user'] }
const admin: Caller = { kind: 'user', userId: 'a', roles: ['user', 'admin'] }
const gateway: Caller = { kind: 'service', service: 'gateway' }
const gatewayFor: Caller = { kind: 'service', service: 'gateway', onBehalfOf: { userId: 'u', roles: ['admin'] } }
const users: Caller = { kind: 'service', service: 'users' }
const callers = { anonymous, user, admin, gateway, gatewayFor, users }
type Row = Record<keyof typeof callers, 'yes' | 'unauthenticated' | 'forbidden'>

const no = {
  anonymous: 'unauthenticated',
  user: 'forbidden',
  admin: 'forbidden',
  gateway: 'unauthenticated',
  gatewayFor: 'forbidden',
  users: 'forbidden',
} as const
const table: [string, Access, Partial<Row>][] = [
  ['nobody', {}, {}],
  ['anyone', { anonymous: true }, { anonymous: 'yes', user: 'yes', admin: 'yes', gateway: 'yes' }],
  ['any user', { user: true }, { user: 'yes', admin: 'yes' }],
  ['admins', { user: ['admin'] }, { admin: 'yes' }],
  ['the service users', { services: ['users'] }, { users: 'yes' }],
  ['any service', { services: ['*'] }, { gateway: 'yes', gatewayFor: 'yes', users: 'yes' }],
  ['users and admins', { user: ['admin'], services: ['users'] }, { admin: 'yes', users: 'yes' }],
]
for (const [whom, access, allowed] of table)
  it(`access for ${whom}`, () => {
    const row = Object.fromEntries(
      Object.entries(callers).map(([name, caller]) => {
        const answer = admit(access, caller)
        return [name, typeof answer === 'string' ? answer : 'yes']
      }),
    )
    assert.deepEqual(row, { ...no, ...allowed })
  })

it('the gateway for nobody becomes anonymous, unless the operation is its own', () => {
  assert.deepEqual(admit({ anonymous: true }, gateway), anonymous)
  assert.deepEqual(admit({ services: ['gateway'] }, gateway), gateway)
})
