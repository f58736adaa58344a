import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exampleSpan } from '../../test/example-span.ts'
import type { Span } from '../spans/span.ts'
import { edgeOfSpan } from './edge-of-span.ts'

const cases: readonly (readonly [string, Partial<Span>, ReturnType<typeof edgeOfSpan>])[] = [
  ['a root server span', { kind: 'server' }, { from: 'client', to: 'service:orders', protocol: 'other' }],
  [
    'a gRPC call',
    { kind: 'client', attributes: { 'rpc.system': 'grpc', 'peer.service': 'users' } },
    { from: 'service:orders', to: 'service:users', protocol: 'grpc' },
  ],
  [
    'an HTTP call',
    { kind: 'client', attributes: { 'http.request.method': 'GET', 'peer.service': 'users' } },
    { from: 'service:orders', to: 'service:users', protocol: 'http' },
  ],
  [
    'a statement at the own database',
    { kind: 'client', attributes: { 'db.system': 'postgresql' } },
    { from: 'service:orders', to: 'database:orders', protocol: 'sql' },
  ],
  [
    'a statement at a named database',
    { kind: 'client', attributes: { 'db.system': 'mongodb', 'db.namespace': 'carts' } },
    { from: 'service:orders', to: 'database:carts', protocol: 'mongodb' },
  ],
  [
    'a record sent',
    { kind: 'producer', attributes: { 'messaging.destination.name': 'orders.events' } },
    { from: 'service:orders', to: 'topic:orders.events', protocol: 'message' },
  ],
  [
    'a record handled',
    { kind: 'consumer', attributes: { 'messaging.destination.name': 'orders.events' } },
    { from: 'topic:orders.events', to: 'service:orders', protocol: 'message' },
  ],
  ['a call to nobody named', { kind: 'client' }, 'exit'],
  ['a server span with a parent', { kind: 'server', parentSpanId: '00000000000000aa' }, 'entry'],
  ['what stays inside', { kind: 'internal' }, undefined],
]
for (const [what, span, edge] of cases) test(what, () => assert.deepEqual(edgeOfSpan(exampleSpan(1, 1, span)), edge))
