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
      'orders does not check the signature',
      /orders took a token with the signature of another token: 200/,
      (e) => {
        e.forged[0]!.status = 200
      },
    ],
    [
      "orders takes a stranger's key",
      /the signature of a stranger: 200/,
      (e) => {
        e.forged[1]!.status = 200
      },
    ],
    [
      'orders takes what nobody signed',
      /the algorithm none: 200/,
      (e) => {
        e.forged.at(-1)!.status = 200
      },
    ],
    [
      'nothing was forged',
      /only 0 forgeries/,
      (e) => {
        e.forged = []
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
