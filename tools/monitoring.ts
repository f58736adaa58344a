/**
 * Makes the files for Prometheus and Grafana from the project's own lists: `deploy/prometheus/rules.yml` and
 * `deploy/grafana/dashboards/*.json`. With `--check` it writes nothing and fails when one is not as the lists say.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dashboards } from './monitoring/dashboards.ts'
import { dashboardJson, levelFile, ruleFile } from './monitoring/files.ts'

const root = join(import.meta.dirname, '..')
const check = process.argv.includes('--check')
const files = new Map([
  ['deploy/prometheus/rules.yml', ruleFile()],
  ['deploy/prometheus/levels.json', levelFile()],
  ...dashboards.map((row) => [`deploy/grafana/dashboards/${row.id}.json`, dashboardJson(row)] as const),
])

let stale = 0
for (const [path, text] of files) {
  if (readOr(join(root, path)) === text) continue
  if (check) {
    process.stderr.write(`${path} is not as the lists say: node tools/monitoring.ts\n`)
    stale += 1
  } else {
    writeFileSync(join(root, path), text)
    process.stdout.write(`${path} written\n`)
  }
}
if (check && stale === 0) process.stdout.write(`${files.size} files are as the lists say\n`)
process.exitCode = stale > 0 ? 1 : 0

function readOr(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
