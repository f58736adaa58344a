/**
 * `npm run judge:contracts`: two judges from outside on what the contracts say. Spectral with the OWASP rules reads every
 * OpenAPI document; Schemathesis asks a running gateway what its document allows and forbids, as a user and as an admin.
 *
 * --url <gateway>  one that runs, instead of a system of its own; then also
 *   --user-token <token> --admin-token <token>   (their limits of requests must be high: see judges/README.md)
 * --seed <number>  to repeat a run · --examples <number> per operation · --seconds <number> at most per token
 * --only spectral | schemathesis
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Verdict } from './judges/program.ts'
import { judgeBySchemathesis } from './judges/schemathesis.ts'
import { judgeBySpectral } from './judges/spectral.ts'
import { runningGateway, startGateway } from './judges/system.ts'

const { values: options } = parseArgs({
  options: {
    url: { type: 'string' },
    'user-token': { type: 'string' },
    'admin-token': { type: 'string' },
    seed: { type: 'string', default: String(randomInt(1_000_000)) },
    examples: { type: 'string', default: '50' },
    seconds: { type: 'string', default: '240' },
    only: { type: 'string' },
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
        seed: Number(options.seed),
        examples: Number(options.examples),
        seconds: Number(options.seconds),
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
