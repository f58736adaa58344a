/** What a record says about how it came to be: without it a figure means nothing. */
import { execFileSync } from 'node:child_process'
import { cpus, totalmem } from 'node:os'

export interface AboutRun {
  /** RFC 3339. */
  readonly at: string
  readonly commit: string
  readonly machine: string
  readonly command: string
}

/** What a record says of its run: when, at which commit, on what machine, by which command. */
export function aboutRun(command: string): AboutRun {
  const [processor] = cpus()
  return {
    at: new Date().toISOString(),
    commit: commit(),
    machine: `${cpus().length} × ${processor?.model.trim()}, ${Math.round(totalmem() / 1024 ** 3)} GB, Node ${process.version}`,
    command,
  }
}

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain') === '' ? '' : ' with changes'}`
  } catch {
    return 'unknown'
  }
}
