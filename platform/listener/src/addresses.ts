/** A client's address as limits count it. Pure. */

const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i

/** An IPv4 address seen through a dual-stack socket is that IPv4 address. */
export const plainAddress = (address: string): string => mapped.exec(address)?.[1] ?? address

/**
 * The key under which an address is counted: IPv4 whole, IPv6 by /64, because a household or a machine is given that
 * many addresses at once.
 *
 * @param address as `socket.remoteAddress` has it; '' for a socket without one (a Unix socket)
 */
export function addressKey(address: string): string {
  const plain = plainAddress(address)
  if (!plain.includes(':')) return plain
  const [head = '', tail] = (plain.split('%', 1)[0] ?? '').split('::')
  const groups = head === '' ? [] : head.split(':')
  const behind = tail === undefined || tail === '' ? [] : tail.split(':')
  if (tail !== undefined) while (groups.length + behind.length < 8) groups.push('0')
  const prefix = [...groups, ...behind].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}

/** Whether an address is this machine's own: what arrives there was sent from here. */
export function isLoopback(address: string | undefined): boolean {
  if (address === undefined) return false
  const plain = plainAddress(address)
  return plain === '::1' || plain.startsWith('127.')
}
