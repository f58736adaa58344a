import assert from 'node:assert/strict'
import { test } from 'node:test'
import { environment } from './config.ts'

const faults = (given: Record<string, string>) =>
  environment.safeParse(given).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []

test('half of what TLS needs is refused by the name of the other half, never taken for a port without TLS', () => {
  assert.deepEqual(faults({}), [])
  assert.deepEqual(faults({ SVYAZ_CERTIFICATE_FILE: 'c.pem', SVYAZ_CERTIFICATE_KEY_FILE: 'k.pem' }), [])
  assert.match(faults({ SVYAZ_CERTIFICATE_FILE: 'c.pem' }).join(), /^SVYAZ_CERTIFICATE_KEY_FILE: it is missing/)
  assert.match(faults({ SVYAZ_CERTIFICATE_KEY_FILE: 'k.pem' }).join(), /^SVYAZ_CERTIFICATE_FILE: it is missing/)
  assert.match(faults({ SVYAZ_HTTPS_PORT: '8443' }).join(), /^SVYAZ_CERTIFICATE_FILE: it is missing, and port 8443/)
})
