/** Evidence of identity, damaged as a broken part would damage it. */
import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R3.1' | 'R3.2'> = {
  'R3.1': [
    [
      'no introspection',
      /introspection/,
      (e) => {
        e.introspected = false
      },
    ],
    [
      'made-up tokens are good',
      /made-up/,
      (e) => {
        e.madeUp = 200
      },
    ],
    [
      'a blocked user goes on for a minute',
      /blocked/,
      (e) => {
        e.refusedAfterMs = 60_000
      },
    ],
  ],
  'R3.2': [
    [
      'the external token is passed on',
      /external token itself/,
      (e) => {
        e.external = true
      },
    ],
    [
      'no signature',
      /signed with none/,
      (e) => {
        e.header.alg = 'none'
      },
    ],
    [
      'another audience',
      /audience/,
      (e) => {
        e.claims.aud = 'orders'
      },
    ],
    [
      'good for an hour',
      /3600 s/,
      (e) => {
        e.claims.exp = (e.claims.iat ?? 0) + 3_600
      },
    ],
    [
      'orders takes the external token',
      /took the external/,
      (e) => {
        e.direct.external = 200
      },
    ],
    [
      'orders takes any audience',
      /another audience/,
      (e) => {
        e.direct.foreign = 200
      },
    ],
  ],
}

sees(breaks)
