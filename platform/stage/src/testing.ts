/** For tests: starts a real command and talks to it as the world does. `main` is the path of its entry file. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

export type Started = AsyncDisposable & { readonly url: string; readonly child: ChildProcess; readonly logs: string[] }

/**
 * Resolves when the process says that it listens; rejects with what it said when it ends before.
 * @param nodeFlags for Node.js itself, such as a limit of its heap
 */
export async function startProcess(
  main: string,
  directory: string,
  flags: readonly string[] = [],
  nodeFlags: readonly string[] = [],
): Promise<Started> {
  const child = spawn(
    process.execPath,
    [...nodeFlags, main, '--port', '0', '--data-dir', directory, '--stop-on-stdin-end', ...flags],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  )
  const logs: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      logs.push(line)
      const entry = JSON.parse(line) as { msg: string; url?: string }
      if (entry.msg === 'listening' && entry.url !== undefined) resolve(entry.url)
    })
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${logs.join('\n')}`)))
  })
  return {
    url,
    child,
    logs,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.stdin?.end()
      await once(child, 'exit')
    },
  }
}

/** Runs the command to its end, with standard input open until then, as the supervisor has it. */
export async function runProcess(
  main: string,
  flags: readonly string[],
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, ...flags, '--stop-on-stdin-end'], { stdio: ['pipe', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout, stderr }
}
