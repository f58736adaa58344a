/** Evidence of domain services, gateway and console, damaged as a broken part would damage it. */
import { type Breaks, sees, without, withoutHop } from '../breaks.ts'

const breaks: Breaks<'R2.1' | 'R2.3' | 'R2.4' | 'R2.5' | 'R2.6' | 'R2.7' | 'R2.11'> = {
  'R2.1': [
    [
      'an ID token names somebody else',
      /names somebody else/,
      (e) => {
        e.openId.subject = false
      },
    ],
    [
      'a token of OpenID Connect opens nothing',
      /access token of OpenID Connect/,
      (e) => {
        e.openId.opened = 401
      },
    ],
    [
      'a program is not told of its own token',
      /own program is told/,
      (e) => {
        e.openId.introspected = false
      },
    ],
    [
      'a refresh changes nothing',
      /same tokens again/,
      (e) => {
        e.openId.refreshed = false
      },
    ],
    [
      'a revoked token goes on',
      /revoked token was answered/,
      (e) => {
        e.openId.revoked = 200
      },
    ],
    [
      'a code is good without its verifier',
      /wrongVerifier: none/,
      (e) => {
        e.openId.refused.wrongVerifier = 'none'
      },
    ],
    [
      'a code is good twice',
      /repeatedCode: none/,
      (e) => {
        e.openId.refused.repeatedCode = 'none'
      },
    ],
    [
      'PKCE may be left out',
      /withoutPkce: code/,
      (e) => {
        e.openId.refused.withoutPkce = 'code'
      },
    ],
    [
      'a code goes wherever it is asked for',
      /foreignRedirect: page 200/,
      (e) => {
        e.openId.refused.foreignRedirect = 'page 200'
      },
    ],
    [
      'a revoked refresh token goes on',
      /revokedRefresh: none/,
      (e) => {
        e.openId.refused.revokedRefresh = 'none'
      },
    ],
    [
      'anybody may look at a token',
      /foreignIntrospection: active/,
      (e) => {
        e.openId.refused.foreignIntrospection = 'active'
      },
    ],
    [
      'the row is left as it was',
      /row says/,
      (e) => {
        e.row = 'active'
      },
    ],
    [
      'a new user is not signed in',
      /signed-in user/,
      (e) => {
        e.me.status = 401
      },
    ],
    [
      'a refresh token is good for nothing',
      /a refresh token was answered/,
      (e) => {
        e.renewed = 401
      },
    ],
    [
      'a wrong password is let in',
      /wrong password/,
      (e) => {
        e.wrong = 200
      },
    ],
    [
      'a lost answer costs the session',
      /repeated at once/,
      (e) => {
        e.repeatedSame = false
      },
    ],
    [
      'refresh tokens are good twice',
      /used again/,
      (e) => {
        e.reused = 200
      },
    ],
    [
      'anybody may block',
      /blocked somebody/,
      (e) => {
        e.notAdmin = 200
      },
    ],
    [
      'the block is not published',
      /no topic/,
      (e) => {
        e.event = ''
      },
    ],
    [
      'a blocked user logs in',
      /blocked user/,
      (e) => {
        e.blocked = 200
      },
    ],
  ],
  'R2.3': [
    [
      'a reservation is not told',
      /the topic says/,
      (e) => {
        e.said = e.said.filter((type) => type !== 'stock.reserved')
      },
    ],
    [
      'stock goes below zero',
      /below zero/,
      (e) => {
        e.sums.below = 1
      },
    ],
    [
      'stock is not taken',
      /available went/,
      (e) => {
        e.after = e.before
      },
    ],
    [
      'nothing is released',
      /release/,
      (e) => {
        e.said = e.said.filter((type) => type !== 'stock.released')
      },
    ],
    [
      'more is sold than there is',
      /more than there is/,
      (e) => {
        e.tooMuch = 201
      },
    ],
    [
      'sums do not hold',
      /is not what was stocked/,
      (e) => {
        e.sums.wrong = 1
      },
    ],
  ],
  'R2.4': [
    [
      'one worker is left',
      /1 members/,
      (e) => {
        e.members = e.members.slice(0, 1)
      },
    ],
    ['charged twice', /booked/, (e) => void e.queued.ledger.push(e.queued.totalMinor)],
    ['ProcessPayment is not called', /ProcessPayment/, (e) => withoutHop(e.now, '/ProcessPayment')],
    [
      'no refund',
      /still holds/,
      (e) => {
        e.failed.ledger = [e.failed.totalMinor]
      },
    ],
  ],
  'R2.5': [
    ['delivered before it was shipped', /the parcel went/, (e) => void e.arrived.records.reverse()],
    [
      'a failure is not told',
      /no topic/,
      (e) => {
        e.failed.records = without(e.failed.records, 'delivery.failed')
      },
    ],
    [
      'no compensation',
      /ended completed/,
      (e) => {
        e.failed.status = 'completed'
      },
    ],
  ],
  'R2.6': [
    [
      'a frame that no event caused',
      /in no topic/,
      (e) => {
        e.frames[0]!.eventId = 'made-up'
      },
    ],
    [
      'a mail that no event caused',
      /not an event/,
      (e) => {
        e.mails.find(({ subject }) => !/welcome/i.test(subject))!.messageId = '<made-up>'
      },
    ],
    [
      'no mails',
      /0 mails/,
      (e) => {
        e.mails = []
      },
    ],
  ],
  'R2.7': [
    [
      'a prefix leads elsewhere',
      /not from users/,
      (e) => {
        e.routed.find(({ wanted }) => wanted === 'users')!.reached = 'orders'
      },
    ],
    [
      'no authentication',
      /without a token/,
      (e) => {
        e.anonymous = 200
      },
    ],
    [
      'no authorisation',
      /only administrators/,
      (e) => {
        e.forbidden = 200
      },
    ],
    ['no limit', /110 were served and 0 limited/, (e) => void Object.assign(e, { served: 110, limited: 0 })],
    [
      'another limit per address',
      /per address/,
      (e) => {
        e.policy = '"address";q=10;w=1'
      },
    ],
    [
      'one instance gets everything',
      /all went to/,
      (e) => {
        e.balanced = e.balanced.slice(0, 1)
      },
    ],
    [
      'nothing is kept',
      /kept says/,
      (e) => {
        e.kept = 'svyaz; fwd=uri-miss; stored'
      },
    ],
    ['a part is missing', /lack payment/, (e) => void e.details.incomplete.push('payment')],
    [
      'another order',
      /the details are/,
      (e) => {
        e.details.order = false
      },
    ],
    [
      'nothing is logged',
      /log/,
      (e) => {
        e.logged = false
      },
    ],
  ],
  'R2.11': [
    [
      'no page',
      /the page/,
      (e) => {
        e.page.status = 502
      },
    ],
    [
      'the gateway is passed by',
      /did not go through/,
      (e) => {
        e.throughGateway = false
      },
    ],
    [
      'a token in the browser, in a live message and not behind Bearer',
      /token reached the browser in \/api\/live/,
      (e) => {
        e.reached.find(({ what }) => what === '/api/live')!.tokens.push('svya_x3kQ8a…')
      },
    ],
    [
      'a script of the page is not looked at',
      /no script/,
      (e) => {
        e.reached = e.reached.filter(({ what }) => !what.endsWith('.js'))
      },
    ],
    [
      'tokens have another form than is looked for',
      /a form that is not looked for/,
      (e) => {
        e.control = 0
      },
    ],
    [
      'another site may order',
      /another site/,
      (e) => {
        e.forged = 201
      },
    ],
  ],
}

sees(breaks)
