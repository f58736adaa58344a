import assert from 'node:assert/strict'
import { test } from 'node:test'
import { deliveryMethods, orderStatuses, paymentMethods, paymentModes } from '@svyaz/contracts/http/order-terms.ts'
import { notificationKinds } from '@svyaz/contracts/socket/notifications.ts'
import { lanes } from '../tabs/orders/diagram.ts'
import { orderWords } from '../tabs/orders/words.ts'
import { shellWords } from './words.ts'

/** Every path to a text, with functions as leaves. */
const paths = (value: unknown, path = ''): string[] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([name, inner]) => paths(inner, `${path}.${name}`))
    : [path]

test('both languages say the same things', () => {
  assert.deepEqual(paths(orderWords.ru).sort(), paths(orderWords.en).sort())
  assert.deepEqual(paths(shellWords.ru), paths(shellWords.en))
})

test('there is a word for everything that the contracts know', () => {
  for (const words of [orderWords.en, orderWords.ru]) {
    assert.deepEqual(
      orderStatuses.filter((name) => !words.statuses[name]),
      [],
    )
    assert.deepEqual(
      notificationKinds.filter((name) => !words.notices[name]),
      [],
    )
    assert.deepEqual(Object.keys(words.modes), [...paymentModes])
    assert.deepEqual(Object.keys(words.cards), [...paymentMethods])
    assert.deepEqual(Object.keys(words.parcels), [...deliveryMethods])
    assert.deepEqual(
      lanes.filter((lane) => lane !== 'user' && !words.lanes[lane]),
      [],
    )
  }
})
