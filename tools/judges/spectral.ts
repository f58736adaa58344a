/** Spectral with its OpenAPI rules and OWASP's, over the gateway's document and every service's own. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { runProgram, type Verdict } from './program.ts'

const installMsMax = 300_000
const lintMsMax = 120_000

/** Spectral's severities: 0 is an error, 1 a warning (judges/README.md says which there are, and why). */
interface Diagnostic {
  readonly code: string
  readonly message: string
  readonly severity: number
  readonly path: readonly (string | number)[]
}

/** @param document path of the document that the gateway serves. */
export async function judgeBySpectral(root: string, document: string): Promise<Verdict[]> {
  const folder = join(root, 'tools', 'judges', 'spectral')
  await install(folder)
  const verdicts = [await lint(folder, 'gateway.yaml', document)]
  for (const path of globSync(join(root, 'contracts', 'generated', 'openapi', '*.json')).sort())
    verdicts.push(await lint(folder, 'service.yaml', path))
  return verdicts
}

/** From its own lock file, once; it is heavy, and nothing else of the project needs it. */
async function install(folder: string): Promise<void> {
  const installed = join(folder, 'node_modules', '.package-lock.json')
  if (existsSync(installed) && sameVersions(join(folder, 'package-lock.json'), installed)) return
  const { status, output } = await runProgram('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    limitMs: installMsMax,
  })
  if (status !== 0) throw new Error(`npm could not install Spectral in ${folder}:\n${output.slice(-2_000)}`)
}

const sameVersions = (wanted: string, installed: string): boolean => {
  const versions = (path: string) => {
    const { packages } = JSON.parse(readFileSync(path, 'utf8')) as { packages: Record<string, { version?: string }> }
    return JSON.stringify(
      Object.entries(packages)
        .filter(([name]) => name !== '')
        .map(([name, { version }]) => [name, version])
        .sort(),
    )
  }
  return versions(wanted) === versions(installed)
}

async function lint(folder: string, ruleset: string, path: string): Promise<Verdict> {
  const program = join(folder, 'node_modules', '@stoplight', 'spectral-cli', 'dist', 'index.js')
  const args = [program, 'lint', '--quiet', '--format', 'json', '--ruleset', join(folder, ruleset), path]
  const { output } = await runProgram(process.execPath, args, { cwd: folder, limitMs: lintMsMax })
  const judge = `Spectral on ${basename(path)} by ${ruleset}`
  const found = diagnosticsIn(output)
  if (found === undefined) return { judge, findings: [`it could not read the document:\n${output.slice(-2_000)}`] }
  const errors = found.filter(({ severity }) => severity === 0)
  const warnings = Map.groupBy(
    found.filter(({ severity }) => severity === 1),
    ({ code }) => code,
  )
  const summary = [...warnings].map(([code, list]) => `${code} ×${list.length}`).join(', ')
  return {
    judge: summary === '' ? judge : `${judge} (warnings: ${summary})`,
    findings: errors.map(({ code, message, path: at }) => `  ${at.join('.')}: ${message} (${code})`),
  }
}

const diagnosticsIn = (output: string): Diagnostic[] | undefined => {
  try {
    return JSON.parse(output.slice(output.indexOf('['))) as Diagnostic[]
  } catch {
    return undefined
  }
}
