/** Evidence of documents, tests and this command itself, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R1.7' | 'R7.3' | 'R7.4' | 'R7.5' | 'R7.6'> = {
  'R1.7': [
    [
      'services talk in a way that no page knows',
      /on no page/,
      (e) => {
        e.seen.push('payments → users over http')
      },
    ],
    [
      'a reason is missing',
      /without a reason/,
      (e) => {
        e.reasonless = 1
      },
    ],
    [
      'figures are older than the bench',
      /last bench/,
      (e) => {
        e.cited = false
      },
    ],
    [
      'a way was not measured',
      /measured/,
      (e) => {
        e.ways.pop()
      },
    ],
  ],
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
  'R7.4': [
    [
      'a drawn process does not run',
      /delivery is drawn and does not run/,
      (e) => {
        e.running = e.running.filter((name) => name !== 'delivery')
      },
    ],
    [
      'a process is not drawn',
      /runs and is not drawn/,
      (e) => {
        e.drawn.processes.pop()
      },
    ],
    [
      'a topic is not drawn',
      /in the broker and not drawn/,
      (e) => {
        e.topics.push('secret.events')
      },
    ],
    [
      'a drawn topic is gone',
      /not in the broker/,
      (e) => {
        e.topics.pop()
      },
    ],
    [
      'a method is not listed',
      /called and not listed/,
      (e) => {
        e.drawn.methods = []
      },
    ],
    [
      'a link leads nowhere',
      /nowhere/,
      (e) => {
        e.brokenLinks.push('README.md: gone.md')
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
