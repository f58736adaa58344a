/** One client, for whoever counts: the gateway's limits, the throttle of logins. */

/** What is counted as one client: an IPv4 address, or the /64 that one IPv6 subscriber has to itself (RFC 6177). */
export const limitKeyOf = (address: string): string => {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::', 2)
  const front = head === '' ? [] : head.split(':')
  const back = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - front.length - back.length)).fill('0')
  const network = [...front, ...zeros, ...back].slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${network.join(':')}::/64`
}
