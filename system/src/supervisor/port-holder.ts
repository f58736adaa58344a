/** Who listens on a port, as far as the kernel tells us: /proc/net/tcp gives the socket, /proc/<pid>/fd its owner. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** TCP_LISTEN of the kernel's tcp_states.h. */
const listenState = '0A'

/** Inodes of the sockets that listen on a port, from the text of /proc/net/tcp or tcp6. */
export function listenerInodes(table: string, port: number): string[] {
  const wanted = port.toString(16).toUpperCase().padStart(4, '0')
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(`:${wanted}`) && fields[3] === listenState)
    .flatMap((fields) => fields[9] ?? [])
}

export interface PortHolder {
  readonly pid: number
  /** Its command line, shortened. */
  readonly command: string
}

/** Undefined when the kernel doesn't say. */
export function findPortHolder(port: number): PortHolder | undefined {
  const inodes = new Set(['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listenerInodes(readText(path), port)))
  for (const pid of inodes.size > 0 ? processIds() : []) {
    if (socketsOf(pid).some((inode) => inodes.has(inode))) return { pid: Number(pid), command: commandOf(pid) }
  }
  return undefined
}

/** A phrase such as `nginx (pid 812)`; `another process` when it can't be found out. */
export function describePortHolder(port: number): string {
  const holder = findPortHolder(port)
  return holder ? `${holder.command} (pid ${holder.pid})` : 'another process'
}

function processIds(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

function socketsOf(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      try {
        return readlinkSync(`/proc/${pid}/fd/${descriptor}`).match(/^socket:\[(\d+)\]$/)?.[1] ?? []
      } catch {
        return []
      }
    })
  } catch {
    return []
  }
}

/** The command line, shortened: for a Node process its script says more than `node`. */
function commandOf(pid: string): string {
  const words = readText(`/proc/${pid}/cmdline`).split('\0').filter(Boolean)
  const text = words.join(' ')
  if (!text) return readText(`/proc/${pid}/comm`).trim() || 'a process'
  return text.length > 80 ? `${text.slice(0, 79)}…` : text
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
