/** What is registered, what it may do, and what its requests hold, on a real database. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import * as client from 'openid-client'
import { limits } from '../src/config.ts'
import { registerClient, removeClient } from '../src/oidc/clients.ts'
import { Records } from '../src/oidc/records.ts'
import { databaseNow, after as later } from '../src/times.ts'
import { introspect } from '../src/tokens.ts'
import { back, redeem, startOpenId, type TestOpenId, throughGateway } from './oidc-fixture.ts'
import { refused } from './users-fixture.ts'

let openId: TestOpenId
before(async () => {
  openId = await startOpenId()
})
after(() => openId[Symbol.asyncDispose]())

const program = { name: 'P', confidential: true, redirectUris: [back], signedOutUris: [], ownAccount: false }
const clientRow = (id: string) =>
  openId.context.database.query.selectFrom('oidc_clients').selectAll().where('id', '=', id).executeTakeFirst()

test('requests for tokens need one connection each: many more at once than the pool has are all answered', async () => {
  const { id, secret } = await openId.newClient({ ownAccount: true })
  const configuration = await openId.configure(id, secret)
  const user = await openId.users.newUser()
  const flows = []
  for (let i = 0; i < 12; i++) flows.push(await openId.signIn(configuration, user.email))
  const grants = Array.from({ length: 24 }, () => client.clientCredentialsGrant(configuration))
  const tokens = await Promise.all([...grants, ...flows.map((flow) => redeem(flow))])
  assert.equal(new Set(tokens.map(({ access_token }) => access_token)).size, 36)
})

test('a program that can keep no secret has no account of its own, and one of before gets no tokens for it', async () => {
  const wanted = { ...program, confidential: false, ownAccount: true }
  await assert.rejects(registerClient(openId.context, wanted), refused('invalid_request'))
  const { id, secret } = await openId.newClient({ ownAccount: true })
  const { access_token: token } = await client.clientCredentialsGrant(await openId.configure(id, secret))
  assert.equal((await introspect(openId.context, token)).active, true)
  const { query } = openId.context.database
  await query.updateTable('oidc_clients').set({ secret_hash: null }).where('id', '=', id).execute()
  assert.equal((await introspect(openId.context, token)).active, false, 'nor is one that it got good for anything')
  const answer = await throughGateway(`${openId.issuer}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams({ grant_type: 'client_credentials', client_id: id }) as never,
  } as never)
  assert.equal(answer.status, 400)
})

test('a client is removed with its account and its sessions, or not at all', async () => {
  const { id } = await openId.newClient({ ownAccount: true })
  const { user_id: userId } = (await clientRow(id))!
  const { context } = openId
  const broken = {
    ...context,
    outbox: {
      ...context.outbox,
      add: () => Promise.reject(new Error('the disk is full')),
    },
  }
  await assert.rejects(removeClient(broken, id), /disk is full/)
  assert.equal((await clientRow(id))?.id, id)
  await removeClient(context, id)
  assert.equal(await clientRow(id), undefined)
  const blocked = openId.users.said.filter(({ key, type }) => key === userId && type === 'user.blocked')
  assert.equal(blocked.length, 1)
})

test('of two that register at once for the last place one gets it', async () => {
  const { context } = openId
  const { query } = context.database
  const { count } = await query
    .selectFrom('oidc_clients')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .executeTakeFirstOrThrow()
  const row = { name: 'P', secret_hash: null, redirect_uris: [], signed_out_uris: [], user_id: null }
  const others = Array.from({ length: limits.oidc.clientsMax - 1 - Number(count) }, (_, at) => ({
    ...row,
    id: `filler-${at}`,
    created_at: new Date(0),
  }))
  await query.insertInto('oidc_clients').values(others).execute()
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => registerClient(context, program)))
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
  for (const outcome of outcomes)
    assert.ok(outcome.status === 'fulfilled' || refused('conflict')(outcome.reason), 'the others hear why')
  await query.deleteFrom('oidc_clients').where('id', 'like', 'filler-%').execute()
})

test('what was begun by nobody is bounded, and looked through once for many that begin', async () => {
  const { query } = openId.context.database
  const { recordsOfNobodyMax, roomMadeEvery } = limits.oidc
  const filler = Array.from({ length: 500 }, (_, at) => at)
  for (let block = 0; block * 500 < recordsOfNobodyMax; block++)
    await query
      .insertInto('oidc_records')
      .values(
        filler.map((at) => ({
          kind: 'Interaction',
          id_hash: Buffer.from(`${block} ${at}`),
          session_uid: null,
          grant_id: null,
          account_id: null,
          payload: '{}',
          used_at: null,
          successor: null,
          expires_at: later(databaseNow, 60 + (block * 500 + at) / 1_000),
        })),
      )
      .execute()
  const counted = async () =>
    Number(
      (
        await query
          .selectFrom('oidc_records')
          .select(({ fn }) => fn.countAll<string>().as('count'))
          .where('kind', '=', 'Interaction')
          .where('account_id', 'is', null)
          .executeTakeFirstOrThrow()
      ).count,
    )
  const records = new Records(openId.context, 'Interaction')
  const sizes = []
  for (let at = 0; at <= 2 * roomMadeEvery; at++) {
    await records.upsert(`begun ${at}`, {}, 3_600)
    if (at % 50 === 0) sizes.push((await counted()) - recordsOfNobodyMax)
  }
  // With the first, the 101st and the 201st all that is beyond goes; between them it may be as many as that.
  assert.deepEqual(sizes, [1, 51, 1, 51, 1])
  await query.deleteFrom('oidc_records').where('kind', '=', 'Interaction').execute()
})
