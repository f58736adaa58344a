/** Which TCP ports a process listens on, told by the kernel (proc_pid_net(5), proc_pid_fd(5)); Linux only. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** TCP_LISTEN in include/net/tcp_states.h. */
const listening = '0A'

/** Ports by the inode of the socket that listens there, IPv4 and IPv6. */
export function listeningSockets(): Map<string, number> {
  const lines = ['tcp', 'tcp6'].flatMap((name) => readFileSync(`/proc/net/${name}`, 'utf8').split('\n').slice(1))
  return new Map(
    lines
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[3] === listening)
      .map((fields) => [fields[9] ?? '', Number.parseInt(fields[1]?.split(':').at(-1) ?? '', 16)]),
  )
}

/** Ports that these processes hold open for listening, in order. */
export function listeningPorts(pids: readonly number[], sockets: ReadonlyMap<string, number>): number[] {
  const ports = pids.flatMap((pid) =>
    readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/${pid}/fd/${descriptor}`))?.[1]
      return inode === undefined ? [] : (sockets.get(inode) ?? [])
    }),
  )
  return [...new Set(ports)].sort((a, b) => a - b)
}

/** '' for a descriptor that was closed since the folder was read. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    return ''
  }
}
