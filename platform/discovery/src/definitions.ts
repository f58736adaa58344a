/** From the bodies of `/v1/agent/service/register` and `/v1/agent/check/*` to definitions. Texts of refusals as Consul's. */
import { Fields, type FieldTable, parseJsonObject } from './body-fields.ts'
import type { Limits } from './limits.ts'
import { Refusal } from './refusal.ts'
import type { CheckDefinition, CheckStatus, Probe, ServiceDefinition, TaggedAddress } from './state.ts'

const checkFields: FieldTable = {
  ID: 'text',
  CheckID: 'text',
  Name: 'text',
  ServiceID: 'text',
  Status: 'text',
  Notes: 'text',
  TTL: 'duration',
  HTTP: 'text',
  TCP: 'text',
  Method: 'text',
  Header: 'texts map',
  Body: 'text',
  DisableRedirects: 'flag',
  TLSSkipVerify: 'flag',
  Interval: 'duration',
  Timeout: 'duration',
  DeregisterCriticalServiceAfter: 'duration',
  SuccessBeforePassing: 'integer',
  FailuresBeforeWarning: 'integer',
  FailuresBeforeCritical: 'integer',
  OutputMaxSize: 'ignored',
  Token: 'ignored',
  Namespace: 'ignored',
  Partition: 'ignored',
  TLSServerName: 'refused',
  TCPUseTLS: 'refused',
  UDP: 'refused',
  GRPC: 'refused',
  GRPCUseTLS: 'refused',
  H2PING: 'refused',
  H2PingUseTLS: 'refused',
  Args: 'refused',
  ScriptArgs: 'refused',
  Script: 'refused',
  Shell: 'refused',
  DockerContainerID: 'refused',
  AliasNode: 'refused',
  AliasService: 'refused',
  OSService: 'refused',
}

const serviceFields: FieldTable = {
  ID: 'text',
  Name: 'text',
  Tags: 'texts',
  Address: 'text',
  Port: 'integer',
  SocketPath: 'text',
  Meta: 'text map',
  TaggedAddresses: 'object',
  Weights: 'object',
  EnableTagOverride: 'flag',
  Check: 'object',
  Checks: 'objects',
  Token: 'ignored',
  Namespace: 'ignored',
  Partition: 'ignored',
  Locality: 'ignored',
  Kind: 'refused',
  Proxy: 'refused',
  Connect: 'refused',
}

const statuses: readonly string[] = ['passing', 'warning', 'critical'] satisfies CheckStatus[]

/** @throws Refusal 400 */
export function readServiceRegistration(
  body: Buffer,
  limits: Limits,
): { readonly service: ServiceDefinition; readonly checks: readonly CheckDefinition[] } {
  const fields = new Fields(parseJsonObject(body), serviceFields)
  const name = fields.text('Name')
  if (name === '') throw new Refusal(400, 'Missing service name')
  const port = fields.integer('Port')
  if (port < 0 || port > 65_535) throw new Refusal(400, `Invalid port: ${port}`)
  const id = fields.text('ID') || name
  const address = fields.text('Address')
  const service: ServiceDefinition = {
    id,
    name,
    tags: fields.texts('Tags'),
    address,
    port,
    socketPath: fields.text('SocketPath'),
    meta: fields.map('Meta'),
    taggedAddresses: readTaggedAddresses(fields, address, port),
    weights: readWeights(fields),
    enableTagOverride: fields.flag('EnableTagOverride'),
  }
  // An empty check is what some clients send for "none"; Consul passes over it too.
  const single = fields.object('Check')
  const sources = [...(single === undefined ? [] : [single]), ...fields.objects('Checks')].filter(
    (source) => Object.keys(source).length > 0,
  )
  const checks = sources.map((source, position) => {
    const suffix = sources.length === 1 ? '' : `:${position + 1}`
    return readCheck(
      new Fields(source, checkFields),
      { id: `service:${id}${suffix}`, name: `Service '${name}' check` },
      id,
      limits,
    )
  })
  return { service, checks }
}

/** @throws Refusal 400 */
export function readCheckRegistration(body: Buffer, limits: Limits): CheckDefinition {
  const fields = new Fields(parseJsonObject(body), checkFields)
  const name = fields.text('Name')
  if (name === '') throw new Refusal(400, 'Missing check name')
  return readCheck(fields, { id: name, name }, fields.text('ServiceID'), limits)
}

/** Body of `/v1/agent/check/update/:id`. @throws Refusal 400 */
export function readCheckUpdate(body: Buffer): { readonly status: CheckStatus; readonly output: string } {
  const fields = new Fields(parseJsonObject(body), { Status: 'text', Output: 'text' })
  const status = fields.text('Status')
  if (!isStatus(status)) throw new Refusal(400, `Invalid check status: '${status}'`)
  return { status, output: fields.text('Output') }
}

function isStatus(value: string): value is CheckStatus {
  return statuses.includes(value)
}

function readCheck(
  fields: Fields,
  defaults: { readonly id: string; readonly name: string },
  serviceId: string,
  limits: Limits,
): CheckDefinition {
  const status = fields.text('Status')
  if (status !== '' && !isStatus(status)) {
    throw new Refusal(400, "Status for checks must 'passing', 'warning', 'critical'")
  }
  const deregisterAfterMs = fields.duration('DeregisterCriticalServiceAfter')
  return {
    checkId: fields.text('CheckID') || fields.text('ID') || defaults.id,
    name: fields.text('Name') || defaults.name,
    notes: fields.text('Notes'),
    serviceId,
    initialStatus: status === '' ? 'critical' : status,
    probe: readProbe(fields, limits),
    deregisterAfterMs: deregisterAfterMs === 0 ? null : Math.max(deregisterAfterMs, limits.deregisterAfterMsMin),
    successBeforePassing: Math.max(0, fields.integer('SuccessBeforePassing')),
    failuresBeforeWarning: Math.max(
      0,
      fields.integer('FailuresBeforeWarning') || fields.integer('FailuresBeforeCritical'),
    ),
    failuresBeforeCritical: Math.max(0, fields.integer('FailuresBeforeCritical')),
  }
}

function readProbe(fields: Fields, limits: Limits): Probe {
  const ttlMs = fields.duration('TTL')
  const intervalMs = fields.duration('Interval')
  if (ttlMs > 0 && intervalMs > 0) throw new Refusal(400, 'Invalid check: Interval and TTL cannot both be specified')
  const url = fields.text('HTTP')
  const address = fields.text('TCP')
  if (url === '' && address === '') {
    if (ttlMs < limits.ttlMsMin) throw new Refusal(400, 'Invalid check: TTL must be > 0 for TTL checks')
    return { kind: 'ttl', ttlMs }
  }
  if (url !== '' && address !== '') throw new Refusal(400, 'Invalid check: HTTP and TCP cannot both be specified')
  if (intervalMs <= 0) {
    throw new Refusal(400, 'Invalid check: Interval must be > 0 for Script, HTTP, H2PING, TCP, UDP or OSService checks')
  }
  const timing = {
    intervalMs: Math.max(intervalMs, limits.probeIntervalMsMin),
    timeoutMs: fields.duration('Timeout'),
  }
  if (address !== '') {
    if (!/^.+:\d{1,5}$/.test(address)) throw new Refusal(400, `Invalid check: TCP must be host:port, not ${address}`)
    return { kind: 'tcp', address, ...timing }
  }
  if (!URL.canParse(url) || !/^https?:/i.test(url))
    throw new Refusal(400, `Invalid check: HTTP is not an address: ${url}`)
  return {
    kind: 'http',
    url,
    method: fields.text('Method') || 'GET',
    header: fields.map('Header'),
    body: fields.text('Body'),
    tlsSkipVerify: fields.flag('TLSSkipVerify'),
    disableRedirects: fields.flag('DisableRedirects'),
    ...timing,
  }
}

function readWeights(fields: Fields): ServiceDefinition['weights'] {
  const given = fields.object('Weights')
  if (given === undefined) return { passing: 1, warning: 1 }
  const weights = new Fields(given, { Passing: 'integer', Warning: 'integer' })
  const passing = weights.integer('Passing')
  const warning = weights.integer('Warning')
  if (passing < 1) throw new Refusal(400, `Invalid Weights: Passing must be greater than 0`)
  if (warning < 0) throw new Refusal(400, `Invalid Weights: Warning must be greater or equal than 0`)
  return { passing, warning }
}

/** An IP address is repeated under its family, as the Consul agent does for clients that ask for `lan_ipv4`. */
function readTaggedAddresses(fields: Fields, address: string, port: number): Readonly<Record<string, TaggedAddress>> {
  const tagged: Record<string, TaggedAddress> = {}
  for (const [tag, value] of Object.entries(fields.object('TaggedAddresses') ?? {})) {
    const entry = new Fields(typeof value === 'object' && value !== null ? { ...value } : {}, {
      Address: 'text',
      Port: 'integer',
    })
    tagged[tag] = { Address: entry.text('Address'), Port: entry.integer('Port') }
  }
  const family = /^\d+(?:\.\d+){3}$/.test(address) ? 'ipv4' : address.includes(':') ? 'ipv6' : null
  if (family !== null) {
    tagged[`lan_${family}`] ??= { Address: address, Port: port }
    tagged[`wan_${family}`] ??= { Address: address, Port: port }
  }
  return tagged
}
