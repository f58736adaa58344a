import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cpuPerOrder, figuresOf, groupOf, type Run, restLine, type StackId, table } from './table.ts'

test('rates count what happened within the load, latencies every order', () => {
  const figures = figuresOf(
    {
      startedAtMs: 1_000,
      outcomes: [
        { status: 201, dueAtMs: 1_000, postMs: 10, completedMs: 300 },
        { status: 201, dueAtMs: 2_500, postMs: 20, completedMs: 900 },
        { status: 201, dueAtMs: 2_900, postMs: 40 },
        { status: 503, dueAtMs: 2_950, postMs: 1 },
      ],
    },
    2,
  )
  assert.deepEqual(figures, {
    accepted: 3,
    refused: 1,
    refusedBy: { 503: 1 },
    unfinished: 1,
    acceptedPerSecond: 1.5,
    completedPerSecond: 0.5,
    postMs: [20, 40],
    completedMs: [300, 900],
  })
})

test('processor time is what the load took beyond rest, per order', () => {
  const before = new Map([['orders', 100]])
  const after = new Map([
    ['orders', 700],
    ['kafka', 50],
  ])
  assert.deepEqual(cpuPerOrder(before, after, { orders: 10 }, { seconds: 10, orders: 50 }), { orders: 10, kafka: 1 })
})

test('the same part of both stacks stands in the same column', () => {
  assert.deepEqual(
    ['postgres', 'postgres-1', 'broker-1', 'kafka', 'telemetry-1', 'span-sink', 'mail-sink', 'payments-2'].map(groupOf),
    ['PostgreSQL', 'PostgreSQL', 'broker', 'broker', 'telemetry', 'telemetry', 'outside', 'services'],
  )
})

const run = (stack: StackId, round: number, more: Partial<Run>): Run => ({
  stack,
  loop: 'closed',
  round,
  seconds: 10,
  accepted: 100,
  refused: 0,
  refusedBy: {},
  unfinished: 0,
  acceptedPerSecond: 10,
  completedPerSecond: 10,
  postMs: [10, 20],
  completedMs: [500, 900],
  cpuMsPerOrder: { 'orders-1': 20, postgres: 5 },
  restMsPerSecond: { 'orders-1': 30, postgres: 20 },
  load: 0,
  ...more,
})

const cellsOf = (line: string) =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim())

test('medians with their spread, and ours divided by theirs', () => {
  const runs = [
    ...[30, 60, 45].map((completedPerSecond, index) => run('svyaz', index + 1, { completedPerSecond })),
    ...[10, 15, 30].map((completedPerSecond, index) => run('peer', index + 1, { completedPerSecond, refused: 1 })),
  ]
  const [head, , ours, theirs, ...others] = table(runs, 'closed').split('\n').map(cellsOf)
  const at = (name: string) => head!.indexOf(name)
  assert.equal(ours![at('completed/s')], '45.0 (30.0–60.0)')
  assert.equal(ours![at('CPU an order, ms')], '25.0 (25.0–25.0)')
  assert.equal(ours![at('of it PostgreSQL')], '5.0')
  assert.equal(ours!.at(-1), '')
  assert.equal(theirs!.at(-1), '3.00')
  assert.equal(theirs![at('refused, unfinished')], '3, 0')
  assert.deepEqual(others, [])
})

test('at an equal rate the last of a hundred is compared', () => {
  const open = (stack: StackId, p99: number) => run(stack, 1, { loop: 'open', completedMs: [100, p99] })
  const lines = table([open('svyaz', 400), open('peer', 800)], 'open')
    .split('\n')
    .map(cellsOf)
  assert.equal(lines[3]!.at(-1), '0.50')
})

test('what rest costs is told as a share of a core', () => {
  assert.equal(restLine([run('svyaz', 1, {})]), 'svyaz, every order traced 5.0 %')
})
