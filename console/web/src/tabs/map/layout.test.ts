import assert from 'node:assert/strict'
import { test } from 'node:test'
import { declared } from '../../../declared.ts'
import { edgeIdOf, graphOf } from './graph.ts'
import { layoutOf, pointOn } from './layout.ts'

/** What the contracts declare, with the databases that services use. */
function wholeGraph() {
  const { nodes, edges } = graphOf(declared, [], undefined)
  const owners = ['users', 'orders', 'inventory', 'payments', 'delivery', 'notifications', 'mc1']
  const databases = owners.map((name) => ({
    from: `service:${name}`,
    to: `database:${name}`,
    protocol: 'sql' as const,
  }))
  return {
    nodes: [
      ...nodes,
      ...databases.map(({ to }) => ({
        id: to,
        kind: 'database' as const,
        name: to,
        health: 'quiet' as const,
        instances: [],
        waiting: 0,
      })),
    ],
    edges: [...edges, ...databases.map((edge) => ({ ...edge, id: edgeIdOf(edge.from, edge.to, edge.protocol) }))],
  }
}
const graph = wholeGraph()

test('at any width each node has a place of its own, inside the picture', () => {
  for (const [width, height] of [
    [320, 600],
    [366, 700],
    [744, 760],
    [1_228, 700],
    [2_340, 1_300],
  ] as const) {
    const layout = layoutOf(graph, width, height)
    assert.equal(layout.boxes.size, graph.nodes.length)
    const boxes = [...layout.boxes]
    for (const [id, { x, y, width: w, height: h }] of boxes) {
      assert.ok(x - w / 2 >= 0 && x + w / 2 <= layout.width, `${id} at ${width}: ${x}`)
      assert.ok(y - h / 2 >= 0 && y + h / 2 <= layout.height, `${id} at ${width}: ${y}`)
    }
    for (const [at, [id, one]] of boxes.entries())
      for (const [other, two] of boxes.slice(at + 1)) {
        const apart =
          Math.abs(one.x - two.x) >= (one.width + two.width) / 2 ||
          Math.abs(one.y - two.y) >= (one.height + two.height) / 2
        assert.ok(apart, `${id} and ${other} at ${width}`)
      }
  }
})

test('in a wide picture orders come before their topics, and those who read them after', () => {
  const { boxes, tall } = layoutOf(graph, 1_300, 760)
  assert.equal(tall, false)
  const x = (id: string) => boxes.get(id)?.x ?? Number.NaN
  const order = ['client', 'service:gateway', 'service:orders', 'topic:orders.events', 'service:notifications'].map(x)
  assert.deepEqual(
    order,
    order.toSorted((a, b) => a - b),
  )
  assert.equal(boxes.get('service:mc2')?.y, boxes.get('service:mc3')?.y, 'the relay loop is a line of its own')
})

test('a panel beside the map narrows it and does not turn it', () => {
  assert.equal(layoutOf(graph, 870, 760).tall, true)
  const beside = layoutOf(graph, 870, 760, 1_300)
  assert.equal(beside.tall, false)
  assert.ok(beside.width > 870, 'it scrolls')
})

test('each edge leads from the side of one node to the side of the other', () => {
  for (const width of [366, 1_300]) {
    const { boxes, curves } = layoutOf(graph, width, 760)
    assert.equal(curves.size, graph.edges.length)
    for (const { id, from, to } of graph.edges) {
      const curve = curves.get(id)
      assert.ok(curve)
      for (const [end, node] of [
        [pointOn(curve, 0), from],
        [pointOn(curve, 1), to],
      ] as const) {
        const box = boxes.get(node)
        assert.ok(box)
        assert.ok(Math.abs(end[0] - box.x) <= box.width / 2 + 1, id)
        assert.ok(Math.abs(end[1] - box.y) <= box.height / 2 + 1, id)
      }
    }
  }
})
