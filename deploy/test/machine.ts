/** Whether a Docker daemon of our own can run on this machine. */
import { spawnSync } from 'node:child_process'

const programs = ['dockerd', 'docker', 'debootstrap', 'unshare', 'ip', 'iptables', 'mvn', 'go', 'setpriv']

/** Undefined when everything is there, else what is missing. */
export function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'a Docker daemon of our own needs Linux'
  if (process.getuid?.() !== 0) return 'a Docker daemon of our own needs root'
  const missing = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0)
  if (missing.length > 0) return `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not installed`
  const namespace = spawnSync('unshare', ['--net', '--mount', 'true'])
  return namespace.status === 0 ? undefined : 'namespaces may not be made here'
}
