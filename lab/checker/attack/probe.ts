/** A good request to a listener of each protocol: whether it still serves those who mean no harm. */

import { request } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import type { Listener } from '@svyaz/system/listeners'
import { apiVersions } from './attacks-kafka.ts'
import { carryOut, type Place } from './wire.ts'

const patienceMs = 5_000

/** @returns undefined when the answer is the right one, else what came instead */
export function probe(listener: Listener, at: Place['at']): Promise<string | undefined> {
  switch (listener.protocol) {
    case 'http':
    case 'control':
      return probeHttp(listener.alive ?? '/', listener.aliveStatus ?? 200, at)
    case 'https':
      return 'port' in at ? probeSecurely(listener.alive ?? '/', at.port) : Promise.resolve('HTTPS needs a port')
    case 'grpc':
      return 'port' in at ? probeGrpc(at.port) : Promise.resolve('gRPC needs a port')
    case 'kafka':
      return probeKafka(at)
    case 'smtp':
      return probeSmtp(at)
    case 'postgres':
      return Promise.resolve(undefined)
  }
}

function probeHttp(path: string, status: number, at: Place['at']): Promise<string | undefined> {
  const where = 'path' in at ? { socketPath: at.path } : { host: '127.0.0.1', port: at.port }
  return new Promise((resolve) => {
    const sent = request({ ...where, path, agent: false, timeout: patienceMs }, (response) => {
      response.resume()
      response.once('error', (error) => resolve(`half an answer to GET ${path}: ${error.message}`))
      response.once('end', () =>
        resolve(response.statusCode === status ? undefined : `GET ${path} was answered ${response.statusCode}`),
      )
    })
    sent.once('timeout', () => sent.destroy(new Error(`nothing within ${patienceMs} ms`)))
    sent.once('error', (error) => resolve(`GET ${path} was not answered: ${error.message}`))
    sent.end()
  })
}

/** Over HTTP/2: what speaks HTTP/1.1 there is the server of the port without TLS. */
async function probeSecurely(path: string, port: number): Promise<string | undefined> {
  // Whether the certificate is good is asked elsewhere (system/src/certificates).
  const session = connectHttp2(`https://127.0.0.1:${port}`, { rejectUnauthorized: false })
  try {
    return await new Promise<string | undefined>((resolve) => {
      session.once('error', (error) => resolve(`no HTTP/2 session: ${error.message}`))
      const call = session.request({ ':path': path })
      call.setTimeout(patienceMs, () => resolve(`GET ${path} was not answered within ${patienceMs} ms`))
      let status: unknown
      call.on('response', (headers) => {
        status = headers[':status']
      })
      call.once('error', (error) => resolve(`GET ${path} failed: ${error.message}`))
      call.once('end', () => resolve(status === 200 ? undefined : `GET ${path} was answered ${status}`))
      call.resume()
    })
  } finally {
    session.destroy()
  }
}

/** grpc.health.v1: an empty request, answered with SERVING. */
async function probeGrpc(port: number): Promise<string | undefined> {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  try {
    return await new Promise<string | undefined>((resolve) => {
      session.once('error', (error) => resolve(`no HTTP/2 session: ${error.message}`))
      const call = session.request({
        ':method': 'POST',
        ':path': '/grpc.health.v1.Health/Check',
        'content-type': 'application/grpc',
        te: 'trailers',
      })
      call.setTimeout(patienceMs, () => resolve(`Health/Check was not answered within ${patienceMs} ms`))
      let status: unknown
      call.on('response', (headers) => {
        status = headers['grpc-status']
      })
      call.on('trailers', (trailers) => {
        status = trailers['grpc-status']
      })
      call.once('error', (error) => resolve(`Health/Check failed: ${error.message}`))
      call.once('end', () => resolve(String(status) === '0' ? undefined : `Health/Check ended with status ${status}`))
      call.resume()
      call.end(Buffer.alloc(5))
    })
  } finally {
    session.destroy()
  }
}

async function probeKafka(at: Place['at']): Promise<string | undefined> {
  const { answer } = await carryOut({ at }, [{ send: apiVersions }, { until: 'answered', ms: patienceMs }])
  const right = answer.length >= 10 && answer.readInt32BE(4) === 7 && answer.readInt16BE(8) === 0
  return right ? undefined : `ApiVersions was answered with ${answer.length} bytes: ${answer.toString('hex', 0, 16)}`
}

async function probeSmtp(at: Place['at']): Promise<string | undefined> {
  const { answer } = await carryOut({ at }, [
    { until: 'answered', ms: patienceMs },
    { send: 'QUIT\r\n' },
    { until: 'closed', ms: patienceMs },
  ])
  const said = answer.toString('latin1')
  return /^220 [\s\S]*\r\n221 /.test(said)
    ? undefined
    : `a greeting and QUIT gave ${JSON.stringify(said.slice(0, 100))}`
}
