import { spawn } from 'node:child_process'

/**
 * Becomes `node` with these arguments. Where Node can (22.15, 23.11 and newer) the process itself is
 * replaced: same process id, signals and exit code need no relaying, and nothing of the bootstrap stays in
 * memory. Otherwise it runs as a child.
 *
 * @param {string} node program
 * @param {string[]} args
 * @param {Record<string, string | undefined>} env
 */
export function handOver(node, args, env) {
  if (typeof process.execve === 'function') process.execve(node, [node, ...args], env)
  else runChild(node, args, env)
}

function runChild(node, args, env) {
  // As a URL: in a path `#`, `?` and `%20` would be read as parts of one.
  const leash = new URL('leash.mjs', import.meta.url).href
  const child = spawn(node, ['--import', leash, ...args], { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  relaySignals(child)
  child.once('error', (error) => {
    process.stderr.write(`svyaz: cannot run ${node}: ${error.message}\n`)
    process.exit(1)
  })
  child.once('exit', (status, signal) => {
    if (!signal) process.exit(status)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/**
 * A terminal sends Ctrl-C to every process in the foreground, the child included; npm then sends it to us
 * again. So with a terminal SIGINT is only survived here; without one it is passed on, once a second at most.
 */
function relaySignals(child) {
  const terminal = process.stdin.isTTY || process.stdout.isTTY || process.stderr.isTTY
  let lastAt = -Infinity
  process.on('SIGINT', () => {
    const now = performance.now()
    if (!terminal && now - lastAt > 1_000) child.kill('SIGINT')
    lastAt = now
  })
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
}
