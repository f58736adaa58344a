import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parametersOf, refuseUnknown } from './parameters.ts'
import { Refusal } from './refusal.ts'
import { routes } from './routes.ts'

test('every endpoint takes what it names and refuses the rest by name', () => {
  for (const route of routes) {
    for (const name of parametersOf(route)) refuseUnknown(new URLSearchParams({ [name]: '' }), route)
    assert.throws(
      () => refuseUnknown(new URLSearchParams('sort=x'), route),
      (error) => error instanceof Refusal && error.status === 400 && error.message.includes('?sort'),
      route.path,
    )
  }
})

test('only what can wait takes an index', () => {
  for (const route of routes) assert.equal(parametersOf(route).includes('index'), route.kind === 'watch', route.path)
})
