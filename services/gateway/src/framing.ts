/**
 * What is refused before anything else looks at a request, because two readers could understand it differently
 * (RFC 9112, 11.2). Node's parser already refuses repeated or odd lengths, folded lines and bare line ends. Pure.
 */
import { gatewayLimits } from './config.ts'

/** Why the head of this request is refused, or undefined. `raw` is name, value, name, value … as they came. */
export const framingFault = (raw: readonly string[], httpVersion: string): string | undefined => {
  if (raw.length / 2 > gatewayLimits.headerFieldsMax) return `more than ${gatewayLimits.headerFieldsMax} header fields`
  let hosts = 0
  let lengths = 0
  let codings = 0
  let host = ''
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at]!
    // Lengths first: comparing without case is dear, and these three are checked on every request.
    if (name.length === 4 && name.toLowerCase() === 'host') {
      hosts++
      host = raw[at + 1]!
    } else if (name.length === 14 && name.toLowerCase() === 'content-length') lengths++
    else if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') {
      codings++
      if (raw[at + 1]!.toLowerCase() !== 'chunked') return 'the only transfer coding taken is chunked'
    }
  }
  if (hosts > 1) return 'more than one Host'
  if (hosts === 0 && httpVersion !== '1.0') return 'Host is missing'
  if (hosts === 1 && !/^[A-Za-z0-9.\-_[\]:]*$/.test(host)) return 'Host is not well formed'
  if (lengths > 1) return 'more than one Content-Length'
  if (codings > 1) return 'more than one Transfer-Encoding'
  if (lengths > 0 && codings > 0) return 'Content-Length together with Transfer-Encoding'
  if (codings > 0 && httpVersion === '1.0') return 'HTTP/1.0 has no Transfer-Encoding'
  return undefined
}
