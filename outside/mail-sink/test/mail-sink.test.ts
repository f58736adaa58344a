import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runProcess, type Started, startProcess } from '@svyaz/stage/testing'
import nodemailer from 'nodemailer'
import { startMailSink } from '../src/index.ts'

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
const start = (directory: string, flags?: readonly string[]) => startProcess(main, directory, flags)
const run = (flags: readonly string[]) => runProcess(main, flags)

async function temporary(): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'mail-sink-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

type Mail = {
  id: string
  messageId: string
  to: string[]
  subject: string
  text: string
  html?: string
  duplicateOf?: string
  headers: Record<string, string>
}

const mails = async (url: string, query = '') =>
  (await (await fetch(`${url}/mails${query}`)).json()) as { mails: Mail[]; total: number }
const smtpPortOf = (sink: Started) =>
  (JSON.parse(sink.logs.find((line) => line.includes('"listening"')) ?? '{}') as { smtpPort: number }).smtpPort
const mailer = (port: number) => nodemailer.createTransport({ host: '127.0.0.1', port, ignoreTLS: true })
const letter = (more: object = {}) => ({
  from: 'Shop <shop@example.org>',
  to: 'ann@example.org',
  subject: 'Paid',
  text: 'Thanks',
  ...more,
})
const control = async (url: string, value: object) =>
  assert.equal(
    (
      await fetch(`${url}/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(value),
      })
    ).status,
    200,
  )

test('what nodemailer sends is what HTTP shows: text, HTML, other scripts, long lines, attachments', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const text = `Здравствуйте, Анна!\n.a line that starts with a dot\n${'long '.repeat(60)}= end 📦`
  const html = `<h1>Заказ</h1><p style="color:red">${'x = 1; '.repeat(40)}</p>`
  const subject = `Ваш заказ № 42 оплачен 📦 ${'и ещё много слов '.repeat(6)}конец`
  await mailer(smtpPortOf(sink)).sendMail(
    letter({
      to: ['Анна <ann@example.org>', 'bob@example.org'],
      subject,
      text,
      html,
      messageId: '<m1@shop>',
      headers: { 'X-Order': 'o-1' },
      attachments: [{ filename: 'счёт.txt', content: 'bill' }],
    }),
  )
  const { mails: found, total } = await mails(sink.url, '?to=BOB@example.org&subject=оплачен')
  assert.equal(total, 1)
  const mail = found[0]
  assert.ok(mail !== undefined)
  assert.deepEqual(
    [mail.messageId, mail.to, mail.subject, mail.html, mail.headers['x-order']],
    ['<m1@shop>', ['ann@example.org', 'bob@example.org'], subject, html, 'o-1'],
  )
  assert.equal(mail.text.trimEnd(), text)
  assert.deepEqual(await (await fetch(`${sink.url}/mails/${mail.id}`)).json(), mail)
  const { mails: brief } = await mails(sink.url, '?contains=bob%40&brief=true')
  assert.deepEqual(
    brief.map(({ id, text: left, html: out, ...rest }) => [id, left, out, (rest as { hasHtml?: boolean }).hasHtml]),
    [[mail.id, undefined, undefined, true]],
  )
  assert.equal((mail as unknown as { attachments: { bytes: number }[] }).attachments[0]?.bytes, 4)
})

test('the same Message-ID twice: both are kept, the second is marked', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  for (let at = 0; at < 2; at += 1) await mailer(smtpPortOf(sink)).sendMail(letter({ messageId: '<same@shop>' }))
  const { mails: found } = await mails(sink.url)
  assert.deepEqual(
    found.map((mail) => mail.duplicateOf),
    ['1', undefined],
  )
})

test('kill -9 amid mails: what was accepted is there, and ids go on', async () => {
  await using directory = await temporary()
  const accepted = new Set<string>()
  const killed = await start(directory.path, ['--smtp-port', '0'])
  let next = 0
  const senders = Array.from({ length: 6 }, async () => {
    for (;;) {
      const messageId = `<m${next++}@shop>`
      try {
        await mailer(smtpPortOf(killed)).sendMail(letter({ messageId }))
      } catch {
        return
      }
      accepted.add(messageId)
      if (accepted.size === 40) killed.child.kill('SIGKILL')
    }
  })
  await Promise.all([...senders, once(killed.child, 'exit')])
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const { mails: found } = await mails(sink.url, '?limit=100')
  const kept = new Set(found.map((mail) => mail.messageId))
  assert.ok(accepted.size >= 40)
  assert.deepEqual(
    [...accepted].filter((messageId) => !kept.has(messageId)),
    [],
  )
  await mailer(smtpPortOf(sink)).sendMail(letter())
  const ids = (await mails(sink.url, '?limit=100')).mails.map((mail) => Number(mail.id))
  assert.deepEqual(
    ids,
    ids.map((_, at) => ids.length - at),
    'ids are 1..n without a gap',
  )
})

test('files are bounded: full ones are closed, the oldest removed, the newest mails survive a restart', async () => {
  await using directory = await temporary()
  const options = { directory: directory.path, limits: { fileBytesMax: 4_000, filesMax: 3 } }
  {
    await using sink = await startMailSink(options)
    const pooled = nodemailer.createTransport({
      host: '127.0.0.1',
      port: sink.smtpPort,
      ignoreTLS: true,
      pool: true,
      maxConnections: 4,
    })
    await Promise.all(
      Array.from({ length: 40 }, (_, at) => pooled.sendMail(letter({ subject: `n${at}`, text: 'x'.repeat(500) }))),
    )
    pooled.close()
    assert.equal((await mails(sink.url)).total, 40)
  }
  assert.equal((await readdir(directory.path)).filter((name) => name.endsWith('.ndjson')).length, 3)
  assert.equal((await readdir(directory.path)).length, 6, 'each with its mark')
  await using sink = await startMailSink(options)
  const { mails: found } = await mails(sink.url, '?limit=100')
  assert.equal(found[0]?.id, '40')
  assert.ok(found.length >= 8 && found.length < 40, `${found.length} mails`)
})

test('faults: refused for now, refused for good, slow, and a reply lost after the mail was kept', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const port = smtpPortOf(sink)
  await control(sink.url, { mode: 'refuse', count: 1 })
  await assert.rejects(mailer(port).sendMail(letter()), { responseCode: 451 })
  await control(sink.url, { mode: 'refuse', count: 1, responseCode: 550 })
  await assert.rejects(mailer(port).sendMail(letter()), { responseCode: 550 })
  assert.equal((await mails(sink.url)).total, 0)
  await control(sink.url, { mode: 'lost-reply', count: 1 })
  await assert.rejects(mailer(port).sendMail(letter({ messageId: '<lost@shop>' })))
  assert.equal((await mails(sink.url)).total, 1)
  await control(sink.url, { mode: 'slow', count: 1, delayMs: 300 })
  const before = performance.now()
  await mailer(port).sendMail(letter({ messageId: '<lost@shop>' }))
  assert.ok(performance.now() - before >= 299)
  assert.equal((await mails(sink.url)).mails[0]?.duplicateOf, '1')
})

test('too large a message and too many recipients are refused', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  await assert.rejects(mailer(smtpPortOf(sink)).sendMail(letter({ text: 'x\n'.repeat(700_000) })), {
    responseCode: 552,
  })
  const crowd = Array.from({ length: 101 }, (_, at) => `u${at}@example.org`)
  const sent = await mailer(smtpPortOf(sink)).sendMail(letter({ to: crowd }))
  assert.equal(sent.rejected.length, 1)
})

function statusWith(url: string, method: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        response.resume()
        resolve(response.statusCode)
      },
    )
    request.on('error', reject)
    request.end(method === 'POST' ? '{"mode":"ok"}' : undefined)
  })
}

test('mails and controls are refused under a foreign Host or Origin; an allowed name may read but not control', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0', '--allow-host', 'mail-sink'])
  for (const path of ['/', '/mails', '/mails/1', '/faults']) {
    assert.equal(await statusWith(sink.url + path, 'GET', { host: 'evil.example' }), 403)
    assert.equal(await statusWith(sink.url + path, 'GET', { origin: 'http://evil.example' }), 403)
  }
  assert.equal(await statusWith(`${sink.url}/mails`, 'GET', { host: 'mail-sink:8025' }), 200)
  assert.equal(await statusWith(`${sink.url}/faults`, 'POST', { host: 'mail-sink:8025' }), 403)
  assert.equal(await statusWith(`${sink.url}/health/ready`, 'GET', { host: 'mail-sink:8025' }), 200)
})

test('the page is self-contained: nothing from elsewhere, scripts only by nonce', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const response = await fetch(sink.url)
  const html = await response.text()
  assert.match(response.headers.get('content-security-policy') ?? '', /default-src 'none'; script-src 'nonce-/)
  assert.doesNotMatch(html, /(?:src|href)="(?!data:)/)
  assert.doesNotMatch(html, /innerHTML|https?:\/\//)
})

test('wrong queries, bodies and paths are named', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const wrong = await fetch(`${sink.url}/mails?limit=1000&who=me`)
  assert.equal(wrong.status, 400)
  assert.equal(((await wrong.json()) as { detail: string }).detail, 'who is not known; limit must be from 1 to 100')
  assert.equal((await fetch(`${sink.url}/mails/9`)).status, 404)
  assert.equal((await fetch(`${sink.url}/mails`, { method: 'DELETE' })).status, 405)
  assert.match(await (await fetch(`${sink.url}/metrics`)).text(), /^mail_sink_mails 0$/m)
})

test('wrong flags end with 2, a taken SMTP port with 1 and one sentence', async () => {
  await using directory = await temporary()
  const wrong = await run(['--smtp-port', '-1', '--nothing'])
  assert.equal(wrong.code, 2)
  assert.match(wrong.stderr, /--smtp-port.*\n.*--nothing/)
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const taken = await run([
    '--port',
    '0',
    '--smtp-port',
    String(smtpPortOf(sink)),
    '--data-dir',
    join(directory.path, 'other'),
  ])
  assert.equal(taken.code, 1)
  assert.match(taken.stderr, /^mail-sink: port \d+ on 127.0.0.1 is taken/)
})

test('SIGTERM ends with 0, even with a client connected', async () => {
  await using directory = await temporary()
  await using sink = await start(directory.path, ['--smtp-port', '0'])
  const idle = connect(smtpPortOf(sink), '127.0.0.1')
  idle.on('error', () => {})
  await once(idle, 'data')
  sink.child.kill('SIGTERM')
  const [code] = await once(sink.child, 'exit')
  assert.equal(code, 0)
})

/** Until the fault control has hit a mail. */
const fired = async (url: string): Promise<void> => {
  while (!/^mail_sink_faults_fired_total 1$/m.test(await (await fetch(`${url}/metrics`)).text())) await setImmediate()
}

const untilSaid = async (socket: Socket, words: RegExp): Promise<void> => {
  let said = ''
  while (!words.test(said)) said += String((await once(socket, 'data'))[0])
}

const greeted = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'data')
  return socket
}

test('SMTP connections that send no mail make room for a newcomer, and go first', async () => {
  await using directory = await temporary()
  const limits = { connectionsPerAddressMax: 3, firstRequestMs: 0 }
  await using sink = await startMailSink({ directory: directory.path, limits })
  const pool = nodemailer.createTransport({ host: '127.0.0.1', port: sink.smtpPort, ignoreTLS: true, pool: true })
  await pool.sendMail(letter())
  const [first, second] = [await greeted(sink.smtpPort), await greeted(sink.smtpPort)]
  const cut = once(first, 'close')
  const third = await greeted(sink.smtpPort)
  await cut
  await pool.sendMail(letter())
  const { total } = await mails(sink.url)
  assert.equal(total, 2)
  assert.ok(!second.destroyed)
  for (const socket of [second, third]) socket.destroy()
  pool.close()
})

test('SMTP says 421 when every connection has a whole mail under way', async () => {
  await using directory = await temporary()
  await using sink = await startMailSink({ directory: directory.path, limits: { connectionsPerAddressMax: 1 } })
  await control(sink.url, { mode: 'slow', delayMs: 60_000 })
  const busy = await greeted(sink.smtpPort)
  busy.write('EHLO a.example\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n')
  await untilSaid(busy, /^354 /m)
  busy.write('Subject: a\r\n\r\nb\r\n.\r\n')
  await fired(sink.url)
  const refused = connect(sink.smtpPort, '127.0.0.1')
  assert.match(await text(refused), /^421 too many connections/)
  busy.destroy()
})

test('an SMTP connection on which nothing arrives is told 421 in its time', async () => {
  await using directory = await temporary()
  await using sink = await startMailSink({ directory: directory.path, limits: { smtpIdleMs: 50 } })
  const idle = connect(sink.smtpPort, '127.0.0.1')
  assert.match(await text(idle), /^421 Timeout/m)
})
