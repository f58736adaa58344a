/** `svyaz trust`: how to have the local authority's certificates trusted, and how to take that back. */
import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { certificateFiles } from '@svyaz/system/certificates/local-authority.ts'
import { placesIn } from '@svyaz/system/supervisor/places.ts'
import type { Invocation } from './command.ts'
import { CliError, exitCodes } from './errors.ts'

/**
 * Shows where the authority is and the lines that add it to a trust store; with `--undo` the lines that take it out
 * again, after its key and all that it signed were deleted. Changes no trust store itself: those are the machine's.
 * @returns the exit code
 */
export async function trust({ config, terminal, flags }: Invocation): Promise<number> {
  const { authority } = certificateFiles(placesIn(config.home).keys)
  if (!existsSync(authority))
    throw new CliError('there is no authority here yet: `npx svyaz up` makes it at the first start')
  const { subject, validTo, fingerprint256 } = new X509Certificate(readFileSync(authority))
  const name = subject.replace(/^CN=/, '')
  if (flags.undo) rmSync(dirname(authority), { recursive: true })
  if (flags.json) terminal.json({ name, authority, validTo, fingerprint256, deleted: flags.undo === true })
  else for (const line of flags.undo ? undone(name) : shown(name, authority, fingerprint256)) terminal.print(line)
  return exitCodes.ok
}

const shown = (name: string, authority: string, fingerprint: string): string[] => [
  `${name} can sign for localhost, 127.0.0.0/8 and ::1, and for nothing else. SHA-256 ${fingerprint}`,
  '',
  'For one command:',
  `  curl --cacert ${quoted(authority)} https://localhost:8443/products`,
  `  NODE_EXTRA_CA_CERTS=${quoted(authority)} node …`,
  '',
  'For all programs of this machine:',
  `  Debian, Ubuntu   sudo cp ${quoted(authority)} /usr/local/share/ca-certificates/svyaz.crt && sudo update-ca-certificates`,
  `  Fedora, RHEL     sudo trust anchor ${quoted(authority)}`,
  `  macOS            security add-trusted-cert -k ~/Library/Keychains/login.keychain-db ${quoted(authority)}`,
  '',
  'For Chrome and Chromium on Linux, which have a store of their own (as Firefox has: Settings, Certificates):',
  `  certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n ${quoted(name)} -i ${quoted(authority)}`,
  '',
  'To take it back: npx svyaz trust --undo',
]

const undone = (name: string): string[] => [
  `${name} is deleted with its key: nobody can sign with it any more. The next start makes another one;`,
  'the gateway uses its old certificate until then. Where it was trusted, take it out:',
  '',
  '  Debian, Ubuntu   sudo rm /usr/local/share/ca-certificates/svyaz.crt && sudo update-ca-certificates --fresh',
  `  Fedora, RHEL     trust list | grep -B1 ${quoted(name)}   # then: sudo trust anchor --remove <its pkcs11 address>`,
  `  macOS            security delete-certificate -c ${quoted(name)} -t`,
  `  Chrome on Linux  certutil -d sql:$HOME/.pki/nssdb -D -n ${quoted(name)}`,
]

/** For a shell. */
const quoted = (text: string): string => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
