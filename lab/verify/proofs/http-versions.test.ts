import { type Breaks, sees } from '../breaks.ts'

const breaks: Breaks<'R1.4'> = {
  'R1.4': [
    [
      'HTTP/2 is not spoken',
      /instead of 1\.1, 2 and 3/,
      ({ answers }) => {
        answers[1]!.version = '1.1'
      },
    ],
    [
      'HTTP/3 is answered 502',
      /the answers have the status 200, 200, 502/,
      ({ answers }) => {
        answers[2]!.status = 502
      },
    ],
    [
      'a product is missing over HTTP/3',
      /not the same/,
      ({ answers }) => {
        answers[2]!.products.pop()
      },
    ],
    [
      'nothing leads a browser to HTTP/3',
      /Alt-Svc/,
      (evidence) => {
        evidence.altSvc = ''
      },
    ],
  ],
}

sees(breaks)
