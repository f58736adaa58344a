/** Evidence of tests, comments and this command itself, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

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
        e.anew = false
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
      'files are bare',
      /describe nothing/,
      (e) => {
        e.bare = Array.from({ length: e.files }, (_, n) => `${n}.ts`)
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
