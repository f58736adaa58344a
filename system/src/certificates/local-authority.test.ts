import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect, createServer } from 'node:tls'
import { serverCertificate } from '@svyaz/listener/certificate.ts'
import { certificateFiles, certificateLimits, ensureCertificates } from './local-authority.ts'

const folder = () => {
  const path = mkdtempSync(join(tmpdir(), 'svyaz-tls-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) }
}
const day = 86_400_000

/** What a client that trusts `ca` alone makes of a server with this certificate: its error code, or 'trusted'. */
const judged = (server: { cert: string; key: string }, ca: string, host: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const listener = createServer(server)
    listener.on('error', reject)
    listener.listen(0, '127.0.0.1', () => {
      const end = (verdict: string) => {
        client.destroy()
        listener.close(() => resolve(verdict))
      }
      const { port } = listener.address() as AddressInfo
      // A name goes with the handshake; the address is checked against the certificate itself (RFC 6066, 3).
      const client = connect({ port, host: '127.0.0.1', ca, ...(host === '127.0.0.1' ? {} : { servername: host }) })
      client.on('secureConnect', () => end('trusted'))
      client.on('error', (error: NodeJS.ErrnoException) => end(`${error.code}: ${error.message}`))
    })
  })

const text = (path: string) => readFileSync(path, 'utf8')

test('a client that trusts the authority trusts the gateway, by name and by address, and nobody else', async () => {
  using home = folder()
  using other = folder()
  const files = ensureCertificates(home.path, Date.now())
  const server = { cert: text(files.certificate), key: text(files.key) }
  const ca = text(files.authority)
  assert.equal(await judged(server, ca, '127.0.0.1'), 'trusted')
  assert.equal(await judged(server, ca, 'localhost'), 'trusted')
  assert.match(await judged(server, ca, 'shop.example'), /^ERR_TLS_CERT_ALTNAME_INVALID/)
  const stranger = ensureCertificates(other.path, Date.now())
  assert.match(await judged(server, text(stranger.authority), 'localhost'), /^UNABLE_TO_VERIFY_LEAF_SIGNATURE/)
})

test('the authority can sign for this machine alone: a certificate for another site is refused', async () => {
  using home = folder()
  const now = Date.now()
  const files = ensureCertificates(home.path, now)
  const key = createPrivateKey(text(files.key))
  const forged = serverCertificate(
    {
      name: 'bank.example',
      publicKey: createPublicKey(key),
      serial: Buffer.alloc(16, 1),
      fromMs: now - day,
      untilMs: now + day,
    },
    {
      name: /CN=(.*)/.exec(new X509Certificate(text(files.authority)).subject)?.[1] ?? '',
      privateKey: createPrivateKey(text(files.authorityKey)),
    },
    ['bank.example'],
  )
  const verdict = await judged({ cert: forged, key: text(files.key) }, text(files.authority), 'bank.example')
  assert.match(verdict, /permitted subtree violation/)
})

test('private keys are for their owner alone', () => {
  using home = folder()
  const files = ensureCertificates(home.path, Date.now())
  for (const path of [files.authorityKey, files.key]) assert.equal(statSync(path).mode & 0o777, 0o600)
})

test('a second start keeps what is there; a certificate that ends soon is made again under the same authority', () => {
  using home = folder()
  const now = Date.now()
  const first = ensureCertificates(home.path, now)
  const before = { authority: text(first.authority), certificate: text(first.certificate) }
  ensureCertificates(home.path, now + day)
  assert.equal(text(first.certificate), before.certificate)
  ensureCertificates(home.path, now + certificateLimits.serverMs - day)
  assert.equal(text(first.authority), before.authority)
  assert.notEqual(text(first.certificate), before.certificate)
  const renewed = new X509Certificate(text(first.certificate))
  assert.equal(renewed.verify(new X509Certificate(before.authority).publicKey), true)
})

test('half a file, as a crash may leave it, is made again', () => {
  using home = folder()
  const { certificate, key } = ensureCertificates(home.path, Date.now())
  writeFileSync(key, text(key).slice(0, 40))
  ensureCertificates(home.path, Date.now())
  assert.equal(new X509Certificate(text(certificate)).subject, 'CN=localhost')
  writeFileSync(certificateFiles(home.path).authority, '')
  ensureCertificates(home.path, Date.now())
  assert.match(new X509Certificate(text(certificateFiles(home.path).authority)).subject, /^CN=Svyaz local authority/)
})
