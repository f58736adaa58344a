/**
 * `npm run judge:contracts`: two judges from outside on what the contracts say. Spectral with the OWASP rules reads every
 * OpenAPI document; Schemathesis asks a running gateway what its document allows and forbids, as a user and as an admin.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { drawnSeed, programOf, seedOption } from '../lab/observe/program.ts'
import type { Verdict } from './judges/program.ts'
import { judgeBySchemathesis } from './judges/schemathesis.ts'
import { judgeBySpectral } from './judges/spectral.ts'
import { runningGateway, startGateway } from './judges/system.ts'

const { values: options } = programOf({
  command: 'npm run judge:contracts --',
  about:
    'Spectral with the OWASP rules reads every OpenAPI document; Schemathesis asks a running gateway what its document allows and forbids.',
  options: {
    url: { takes: 'gateway', about: 'one that runs, instead of a system of its own; then also' },
    'user-token': { takes: 'token', about: 'of a user whose limit of requests is high (tools/judges/README.md)' },
    'admin-token': { takes: 'token', about: 'and of an administrator' },
    seed: seedOption('which examples are drawn'),
    examples: { takes: 'n', range: { min: 1, max: 10_000 }, default: 50, about: 'of each operation' },
    seconds: { takes: 'n', range: { min: 1, max: 3_600 }, default: 240, about: 'at most for each token' },
    only: { takes: 'judge', about: 'spectral or schemathesis' },
  },
})

const root = join(import.meta.dirname, '..')
const folder = mkdtempSync(join(tmpdir(), 'svyaz-judges-'))
const verdicts: Verdict[] = []
try {
  await using gateway = options.url
    ? await runningGateway(options.url, { user: options['user-token'], admin: options['admin-token'] })
    : await startGateway()
  const document = join(folder, 'gateway.json')
  writeFileSync(document, gateway.document)
  const wanted = (judge: string) => options.only === undefined || options.only === judge
  if (wanted('spectral')) verdicts.push(...(await judgeBySpectral(root, document)))
  if (wanted('schemathesis'))
    verdicts.push(
      ...(await judgeBySchemathesis(root, {
        gateway,
        document,
        folder,
        seed: options.seed ?? drawnSeed(),
        examples: options.examples,
        seconds: options.seconds,
      })),
    )
} finally {
  rmSync(folder, { recursive: true, force: true })
}

for (const { judge, findings, skipped } of verdicts) {
  const outcome = skipped ?? (findings.length === 0 ? 'no finding' : findings.join('\n'))
  process.stdout.write(`${judge}: ${outcome}\n`)
}
const failed = verdicts.filter(({ findings }) => findings.length > 0).length
const skipped = verdicts.filter((verdict) => verdict.skipped !== undefined).length
const passed = verdicts.length - failed - skipped
process.stdout.write(`${passed} passed, ${failed} failed${skipped === 0 ? '' : `, ${skipped} skipped`}\n`)
process.exitCode = failed === 0 ? 0 : 1
