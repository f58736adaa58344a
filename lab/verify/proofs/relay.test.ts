/** Evidence of the relay loop, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R2.10' | 'R6.1' | 'R6.2' | 'R6.3' | 'R6.4' | 'R6.5' | 'R6.6' | 'R6.7' | 'R6.8' | 'R6.9'> = {
  'R2.10': [
    [
      'messages are lost',
      /were stored/,
      (e) => {
        e.session.stored = 1
      },
    ],
  ],
  'R6.1': [
    [
      'a field is missing',
      /has the fields/,
      (e) => {
        e.records[0]!.fields.pop()
      },
    ],
    [
      'MC1 does not stamp',
      /not stamped by MC1/,
      (e) => {
        e.records[0]!.stamps[0] = null
      },
    ],
    [
      'the WebSocket is passed by',
      /MC2 receiving from MC1/,
      (e) => {
        e.traces[0] = e.traces[0]!.filter(({ service }) => service !== 'mc2')
      },
    ],
  ],
  'R6.2': [
    [
      'MC3 stamped before the topic',
      /stamp of MC3/,
      (e) => {
        e.records[0]!.stamps[2] = e.records[0]!.stamps[1]!
      },
    ],
    [
      'MC2 does not stamp',
      /not stamped by MC2/,
      (e) => {
        e.records[0]!.stamps[1] = null
      },
    ],
    [
      'nothing goes through the topic',
      /relay.messages/,
      (e) => {
        e.records = []
      },
    ],
  ],
  'R6.3': [
    [
      'MC3 does not stamp',
      /the stamps of message/,
      (e) => {
        e.rows[0]!.stamps[2] = null as never
      },
    ],
    [
      'MC3 does not send it back',
      /MC1 receiving from MC3/,
      (e) => {
        for (const hops of e.traces) for (const hop of hops) if (hop.from === 'mc3') hop.from = 'mc2'
      },
    ],
  ],
  'R6.4': [
    [
      'a row is missing',
      /rows of/,
      (e) => {
        e.counted -= 1
      },
    ],
    [
      'the end is before the beginning',
      /stamps of message/,
      (e) => {
        e.rows[0]!.stamps.reverse()
      },
    ],
  ],
  'R6.5': [
    [
      'it ends at once',
      /it lasted/,
      (e) => {
        e.session.durationSeconds = 0.1
      },
    ],
    [
      'the interval is another than the configured one',
      /was to last 3 s, the configuration says 10 s/,
      (e) => {
        e.session.intervalSeconds = 3
        e.session.durationSeconds = 3
      },
    ],
    [
      'another session_id',
      /session_id/,
      (e) => {
        e.rows[0]!.session_id += 1
      },
    ],
  ],
  'R6.6': [
    [
      'no session starts',
      /start\/ answered/,
      (e) => {
        e.start = 500
      },
    ],
    [
      'a stop without a session is taken',
      /without a session/,
      (e) => {
        e.again = 200
      },
    ],
    [
      'two sessions at once',
      /second/,
      (e) => {
        e.twice = 200
      },
    ],
    [
      'it can not be stopped',
      /stop/,
      (e) => {
        e.stop.seconds = e.stop.interval
      },
    ],
  ],
  'R6.7': [
    [
      'MC2 is not traced',
      /mc2 sent no span/,
      (e) => {
        e.traces[0] = e.traces[0]!.filter((hop) => !hop.startsWith('mc2'))
      },
    ],
    [
      'MC1 is not traced',
      /mc1 sent no span/,
      (e) => {
        e.traces[0] = e.traces[0]!.filter((hop) => !hop.startsWith('mc1'))
      },
    ],
    [
      'MC3 is not traced',
      /mc3 sent no span/,
      (e) => {
        e.traces[0] = e.traces[0]!.filter((hop) => !hop.startsWith('mc3'))
      },
    ],
  ],
  'R6.8': [
    [
      'nothing is announced',
      /start was not/,
      (e) => {
        e.spoken = []
      },
    ],
    [
      'the number is not told',
      /number of messages/,
      (e) => {
        e.session.generated = -1
      },
    ],
  ],
  'R6.9': [
    [
      'rows are gone after the stop',
      /are found when all is stopped/,
      (e) => {
        e.found = e.stored - 1
      },
    ],
    [
      'the database does not open',
      /none are found/,
      (e) => {
        e.found = undefined
      },
    ],
    [
      'nothing was stored',
      /nothing was stored/,
      (e) => {
        e.stored = 0
        e.found = 0
      },
    ],
  ],
}

sees(breaks)
