/** Evidence of tests, comments and this command itself, damaged as a broken part would damage it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Breaks, sees } from '../breaks.ts'
import { comments, describedParts } from './delivered.ts'

const breaks: Breaks<'R7.3' | 'R7.5' | 'R7.6'> = {
  'R7.3': [
    [
      'an order under load is refused',
      /were accepted/,
      (e) => {
        e.accepted -= 1
      },
    ],
    [
      'an order under load is lost',
      /accepted orders completed/,
      (e) => {
        e.completed -= 1
      },
    ],
    [
      'the killed worker stays dead',
      /come back/,
      (e) => {
        e.replaced = false
      },
    ],
    [
      'an order is charged twice',
      /booked/,
      (e) => {
        e.booked[0]!.ledger.push(1)
      },
    ],
  ],
  'R7.5': [
    [
      'one exported function of a whole package has no description',
      /platform\/kit: 1 of \d+ exported functions have no description: platform\/kit\/src\/new.ts:3 bare/,
      (e) => void e.parts.find(({ part }) => part === 'platform/kit')!.bare.push('platform/kit/src/new.ts:3 bare'),
    ],
    [
      'a folder is not looked at',
      /no exported function of services/,
      (e) => {
        e.parts = e.parts.filter(({ part }) => !part.startsWith('services/'))
      },
    ],
  ],
  'R7.6': [
    [
      'a row is silently left out',
      /neither proven/,
      (e) => {
        e.silent.push('R9.9')
      },
    ],
    [
      'damage is not noticed',
      /not noticed/,
      (e) => {
        e.caught = 0
      },
    ],
  ],
}

sees(breaks)

test('every exported function of this checkout has a description', () =>
  assert.deepEqual(comments.judge(describedParts()), []))
