/**
 * Schemathesis makes requests out of the gateway's document, good ones and bad ones, and looks at every answer. It is a
 * Python program: it runs from an environment of its own, made once where Python is new enough.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runProgram, type Verdict } from './program.ts'
import type { Gateway } from './system.ts'

/** The oldest Python that the pinned Schemathesis runs on. */
const pythonMin = [3, 11] as const
const installMsMax = 300_000
/** A run ends by itself within `seconds`; what it has under way then may take this much longer. */
const graceMs = 60_000
const requestSecondsMax = 30
const findingLinesMax = 2_000

export interface Assignment {
  readonly gateway: Gateway
  /** Path of its document. */
  readonly document: string
  /** Where reports may be left. */
  readonly folder: string
  readonly seed: number
  readonly examples: number
  readonly seconds: number
}

/** Runs Schemathesis as each caller against the started system, in an environment of its own. */
export async function judgeBySchemathesis(root: string, assignment: Assignment): Promise<Verdict[]> {
  const python = await findPython()
  if (python === undefined) {
    const skipped = `skipped: there is no Python ${pythonMin.join('.')} or newer here`
    return [{ judge: 'Schemathesis', findings: [], skipped }]
  }
  const program = await install(root, python)
  const verdicts: Verdict[] = []
  for (const [who, token] of Object.entries(assignment.gateway.tokens))
    verdicts.push(await ask(root, program, assignment, who, token))
  return verdicts
}

async function findPython(): Promise<string | undefined> {
  for (const name of ['python3', 'python3.14', 'python3.13', 'python3.12', 'python3.11', 'python']) {
    const check = 'import sys, venv, ensurepip; print(*sys.version_info[:2])'
    const { status, output } = await runProgram(name, ['-c', check], { cwd: '.', limitMs: 10_000 }).catch(() => ({
      status: 1,
      output: '',
    }))
    const [major = 0, minor = 0] = output.split(' ').map(Number)
    if (status === 0 && major === pythonMin[0] && minor >= pythonMin[1]) return name
  }
  return undefined
}

/** @returns the program's path. The folder's name holds the digest of what is in it, so a new version has its own. */
async function install(root: string, python: string): Promise<string> {
  const requirements = join(root, 'tools', 'judges', 'schemathesis', 'requirements.txt')
  const digest = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const folder = join(root, 'node_modules', '.cache', 'svyaz', `schemathesis-${digest}`)
  const program = join(folder, 'bin', 'schemathesis')
  if (existsSync(program)) return program
  const steps: [string, string[]][] = [
    [python, ['-m', 'venv', folder]],
    [
      join(folder, 'bin', 'python'),
      ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--require-hashes', '-r', requirements],
    ],
  ]
  for (const [file, args] of steps) {
    const { status, output } = await runProgram(file, args, { cwd: root, limitMs: installMsMax })
    if (status === 0) continue
    rmSync(folder, { recursive: true, force: true })
    throw new Error(`Schemathesis could not be installed (${file} ${args.join(' ')}):\n${output.slice(-2_000)}`)
  }
  return program
}

async function ask(
  root: string,
  program: string,
  { gateway, document, folder, seed, examples, seconds }: Assignment,
  who: string,
  token: string,
): Promise<Verdict> {
  const args = [
    ...['--config-file', join(root, 'tools', 'judges', 'schemathesis', 'schemathesis.toml')],
    ...['run', document, '--url', gateway.url, '--header', `Authorization: Bearer ${token}`],
    ...['--seed', String(seed), '--max-examples', String(examples)],
    ...['--request-timeout', String(requestSecondsMax), '--continue-on-failure'],
    '--no-color',
  ]
  const limitMs = seconds * 1000 + graceMs
  const { status, output } = await runProgram(program, args, {
    cwd: folder,
    limitMs,
    env: { PYTHONDONTWRITEBYTECODE: '1' },
  })
  const judge = `Schemathesis as ${who} (seed ${seed}, ${examples} examples an operation)`
  if (status === 0) return { judge, findings: [] }
  if (status === null) return { judge, findings: [`  not done within ${limitMs / 1000} s`] }
  return { judge, findings: findingsIn(output).map((line) => `  ${line.replaceAll(token, '$TOKEN')}`) }
}

/** What it says from its list of failures on; the progress before that says nothing. */
const findingsIn = (output: string): string[] => {
  const lines = output.trimEnd().split('\n')
  const from = lines.findIndex((line) => /^=+ (FAILURES|ERRORS) =+$/.test(line))
  const found = from === -1 ? lines.slice(-40) : lines.slice(from)
  return found.length > findingLinesMax ? [...found.slice(0, findingLinesMax), '… and more'] : found
}
