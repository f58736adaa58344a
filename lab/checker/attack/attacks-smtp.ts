/** SMTP (RFC 5321) as no mail server speaks it. No message is ever finished: none may appear among the mails. */
import type { Attack } from './attack.ts'
import type { Step } from './wire.ts'

const smtp = ['smtp'] as const
const greeting: Step = { until: 'answered', ms: 2_000 }
const soon: Step = { until: 'closed', ms: 150 }

const envelope = 'EHLO a.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\n'

const cases: Readonly<Record<string, string>> = {
  'a line of 1 MB': 'A'.repeat(1_000_000),
  'a thousand unknown commands': 'XYZZY\r\n'.repeat(1_000),
  'commands with NUL': 'EHLO \0\r\nMAIL FROM:<\0>\r\n',
  'DATA before its time': 'DATA\r\nhello\r\n',
  'a mail of 10¹⁵ bytes': 'EHLO a\r\nMAIL FROM:<a@example.org> SIZE=1000000000000000\r\n',
  'addresses that are none': 'EHLO a\r\nMAIL FROM:<<<>>>\r\nRCPT TO:<\xff@>\r\nMAIL FROM:<a@b> X=\x80 Y\r\n',
  'two thousand recipients': `EHLO a\r\nMAIL FROM:<a@example.org>\r\n${'RCPT TO:<b@example.org>\r\n'.repeat(2_000)}`,
  'STARTTLS, then no TLS': 'EHLO a\r\nSTARTTLS\r\n\x16\x03\x01garbage',
  'AUTH with what is none': 'EHLO a\r\nAUTH PLAIN %%%\r\nAUTH LOGIN\r\n\0\r\n',
  'a message without its end': `${envelope}DATA\r\nSubject: a\r\n\r\n${'x'.repeat(100_000)}`,
  'a message of 3 MB without its end': `${envelope}DATA\r\n${`${'x'.repeat(998)}\r\n`.repeat(3_000)}`,
  'a message with a smuggled one': `${envelope}DATA\r\nSubject: a\r\n\n.\nMAIL FROM:<c@example.org>\r\n`,
}

export const smtpAttacks: readonly Attack[] = Object.entries(cases).flatMap(([name, send]): Attack[] => [
  { name, protocols: smtp, steps: () => [greeting, { send }, soon] },
  { name: `${name}, then a reset`, protocols: smtp, steps: () => [greeting, { send }, 'reset'] },
  {
    name: `${name} before the greeting, then a half-close`,
    protocols: smtp,
    steps: () => [{ send }, 'half-close', soon],
  },
])
