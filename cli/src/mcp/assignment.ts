/** Tools about what the system must do: the rows of the assignment, and proving one on the running system. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { assignment, requirements } from '@svyaz/verify/assignment.ts'
import type { Finding } from '@svyaz/verify/proof.ts'
import { z } from 'zod'
import { CliError } from '../errors.ts'
import { nearest } from '../nearest.ts'
import { type Place, tool } from './tool.ts'

/** Proofs with a load of their own take minutes. */
const proofWithinMs = 600_000
const outputBytesMax = 64 * 1024 ** 2

/** Those that only look. */
export const assignmentTools = [
  tool({
    name: 'requirements',
    title: 'What the system must do',
    description:
      'The rows of the assignment: what is required, which files meet it, what is done to prove it. Without ids a short list; with ids (`R2.7`; `R2` stands for all of its rows) in full. `verify` proves one live.',
    input: z.strictObject({ ids: z.array(z.string().max(20)).max(64).optional() }),
    run: async ({ ids }) => {
      if (ids === undefined) {
        return {
          sections: assignment.map(({ id, title, rows }) => ({
            id,
            title,
            rows: rows.map((row) => `${row.id} ${row.what}`),
          })),
        }
      }
      return {
        rows: requirements.filter(({ id }) => ids.some((asked) => id === known(asked) || id.startsWith(`${asked}.`))),
      }
    },
  }),
]

/** @throws CliError with the row that was probably meant */
function known(asked: string): string {
  if (requirements.some(({ id }) => id === asked || id.startsWith(`${asked}.`))) return asked
  const guess = nearest(
    asked,
    requirements.map(({ id }) => id),
  )
  throw new CliError(
    `there is no row "${asked}"; ${guess ? `did you mean ${guess}?` : 'call `requirements` without ids for the list'}`,
  )
}

/** Those that do something. */
export const assignmentChanges = [
  tool({
    name: 'verify',
    title: 'Prove a row',
    description:
      'Proves one row of the assignment on the running system and returns the verdict with what was done and what came back. It registers users and places orders; some rows kill or reconfigure a part and bring it back (`requirements` says which). Takes seconds to minutes.',
    input: z.strictObject({ row: z.string().min(1).max(20).describe('e.g. R2.7') }),
    changes: true,
    withinMs: proofWithinMs,
    run: async ({ row }, place) => {
      known(row)
      const { findings } = await proven(row, place)
      return { findings }
    },
  }),
]

/** In a process of its own: what a proof leaves open, or stops, is not the server's. */
function proven(row: string, { config, signal }: Place): Promise<{ findings: Finding[] }> {
  const main = join(config.root, 'cli', 'src', 'main.ts')
  return new Promise((resolve, reject) => {
    const options = { env: { ...config.environment, SVYAZ_HOME: config.home }, signal, maxBuffer: outputBytesMax }
    execFile(process.execPath, [main, 'verify', row, '--json'], options, (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout) as { findings: Finding[] })
      } catch {
        reject(
          new CliError(stderr.trim() || `the proof ended without a verdict (${error?.message ?? 'no reason given'})`),
        )
      }
    })
  })
}
