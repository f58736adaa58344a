import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { operations } from '@svyaz/contracts/graphql/generated/operations.ts'
import { Failure } from '@svyaz/kit'
import { hashOf, PersistedDocuments } from './persisted.ts'

const byHash = (sha256Hash: string) => ({ extensions: { persistedQuery: { version: 1 as const, sha256Hash } } })
const refusedAs = (code: string) => (error: unknown) => error instanceof Failure && error.code === code

describe('documents by their hash', () => {
  const text = '{ me { id } }'

  test('those of the contracts are always there', () => {
    const documents = new PersistedDocuments(1)
    for (const registered of Object.values(operations)) {
      assert.equal(documents.textOf(byHash(hashOf(registered)), 'any'), registered)
      assert.equal(documents.textOf(byHash(hashOf(registered)), 'registered'), registered)
    }
  })
  test('one that was sent with its hash is known by it afterwards', () => {
    const documents = new PersistedDocuments(10)
    assert.throws(() => documents.textOf(byHash(hashOf(text)), 'any'), /PersistedQueryNotFound/)
    assert.equal(documents.textOf({ query: text, ...byHash(hashOf(text)) }, 'any'), text)
    assert.equal(documents.textOf(byHash(hashOf(text)), 'any'), text)
  })
  test('nobody gives a text the hash of another', () => {
    const documents = new PersistedDocuments(10)
    const forged = { query: '{ products { endCursor } }', ...byHash(hashOf(text)) }
    assert.throws(() => documents.textOf(forged, 'any'), refusedAs('invalid_request'))
    assert.throws(() => documents.textOf(byHash(hashOf(text)), 'any'), refusedAs('not_found'))
  })
  test('the one that was used longest ago makes room', () => {
    const documents = new PersistedDocuments(2)
    const [a, b, c] = ['{ a }', '{ b }', '{ c }'] as const
    documents.textOf({ query: a, ...byHash(hashOf(a)) }, 'any')
    documents.textOf({ query: b, ...byHash(hashOf(b)) }, 'any')
    documents.textOf(byHash(hashOf(a)), 'any')
    documents.textOf({ query: c, ...byHash(hashOf(c)) }, 'any')
    assert.equal(documents.textOf(byHash(hashOf(a)), 'any'), a)
    assert.throws(() => documents.textOf(byHash(hashOf(b)), 'any'), refusedAs('not_found'))
  })
  test('where only registered ones are answered, nothing else is, by whatever name', () => {
    const documents = new PersistedDocuments(10)
    assert.throws(() => documents.textOf({ query: text }, 'registered'), refusedAs('forbidden'))
    assert.throws(
      () => documents.textOf({ query: text, ...byHash(hashOf(text)) }, 'registered'),
      refusedAs('forbidden'),
    )
    documents.textOf({ query: text, ...byHash(hashOf(text)) }, 'any')
    assert.throws(() => documents.textOf(byHash(hashOf(text)), 'registered'), refusedAs('not_found'))
    const registered = operations['my-orders']
    assert.equal(documents.textOf({ query: registered }, 'registered'), registered)
  })
  test('a question without any is refused', () =>
    assert.throws(() => new PersistedDocuments(1).textOf({}, 'any'), refusedAs('invalid_request')))
})
