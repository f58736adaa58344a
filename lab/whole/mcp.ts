/** `svyaz mcp` on the running system, through the SDK's own client: each tool once, nonsense too, and what is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { until } from '@svyaz/observe/until.ts'
import { svyazEnvironment, svyazMain } from '../../cli/test/svyaz-process.ts'
import type { World } from './world.ts'

const answerCharactersMax = 30_000
/** Of this API: what it answers in, and what it complains of. */
const proofWithinMs = 120_000

/** A server of its own, as a program starts it. */
class Session implements AsyncDisposable {
  readonly client = new Client({ name: 'svyaz-test', version: '1' })

  static async open(world: World, ...flags: string[]): Promise<Session> {
    const session = new Session()
    const environment = Object.entries(svyazEnvironment(world.system.home))
    const env = Object.fromEntries(environment.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
    await session.client.connect(
      new StdioClientTransport({ command: process.execPath, args: [svyazMain, 'mcp', ...flags], env }),
    )
    return session
  }

  /** The answer of a tool, which must be one. */
  // biome-ignore lint/suspicious/noExplicitAny: each tool has its own answer
  async ask(name: string, asked: Record<string, unknown> = {}): Promise<any> {
    const { text, failed } = await this.#call(name, asked)
    assert.ok(!failed, `${name}: ${text}`)
    assert.ok(text.length <= answerCharactersMax, `${name} answers ${text.length} characters`)
    return JSON.parse(text)
  }

  /** The sentence with which a tool refuses. */
  async refusal(name: string, asked: Record<string, unknown>): Promise<string> {
    const { text, failed } = await this.#call(name, asked)
    assert.ok(failed, `${name} ${JSON.stringify(asked)} is not refused: ${text}`)
    return text
  }

  async names(): Promise<string[]> {
    return (await this.client.listTools()).tools.map(({ name }) => name)
  }

  async #call(name: string, asked: Record<string, unknown>): Promise<{ text: string; failed: boolean }> {
    const answer = await this.client.callTool({ name, arguments: asked }, { timeout: proofWithinMs })
    const [first] = answer.content
    assert.equal(first?.type, 'text')
    return { text: (first as { text: string }).text, failed: answer.isError === true }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.close()
  }
}

const changing = ['act_on_process', 'scale', 'write_record', 'replay_dead_letters', 'change_setting', 'verify']

/** Tools on the running system, with and without --allow-changes. */
export const mcpScenarios = (world: () => World): void => {
  describe('the MCP server', () => {
    looks(world)
    refuses(world)
    changes(world)
  })
}

function looks(world: () => World): void {
  it('follows an order from its story to trace, log lines, records and figures', { timeout: 90_000 }, async () => {
    const w = world()
    await using session = await Session.open(w)
    const user = await w.register('Mila Context')
    const product = w.product()
    const order = await user.order({ items: [{ productId: product, quantity: 1 }] })
    await user.untilStatus(order.id, 'completed')

    const { orders } = await session.ask('orders', { user: user.id })
    assert.deepEqual(
      orders.map(({ orderId, status }: { orderId: string; status: string }) => [orderId, status]),
      [[order.id, 'completed']],
    )
    const story = await session.ask('order_story', { order_id: order.id })
    assert.equal(story.order.status, 'completed')
    assert.deepEqual(story.remaining, [])
    const { traceId } = story.steps[0]
    const trace = await until('the trace to be kept', async () => {
      const { traces } = await session.ask('search_traces', { order: order.id })
      return (
        traces.some((one: { traceId: string }) => one.traceId === traceId) &&
        session.ask('trace', { trace_id: traceId, joined: true })
      )
    })
    const services = new Set(trace.spans.map(({ service }: { service: string }) => service))
    for (const service of ['gateway', 'orders', 'inventory', 'payments']) assert.ok(services.has(service), service)
    const { lines } = await session.ask('logs', { trace: traceId })
    assert.ok(lines.every((line: { traceId: string }) => line.traceId === traceId))
    const { records } = await session.ask('records', { topic: 'orders.events', key: order.id })
    assert.equal(records[0].type, 'order.completed', 'the newest comes first')
    assert.equal(records.at(-1).type, 'order.created')
    const where = `items[*].productId=${product}`
    const found = await session.ask('records', { topic: 'orders.events', where, limit: 200 })
    assert.ok(found.records.some(({ key }: { key: string }) => key === order.id))
    assert.ok(
      found.records.every(({ value }: { value: { items: { productId: string }[] } }) =>
        value.items.some(({ productId }) => productId === product),
      ),
    )
  })

  it('says what runs, what is promised, what is set and what waits', { timeout: 90_000 }, async () => {
    await using session = await Session.open(world())
    const { processes } = await session.ask('processes')
    assert.ok(
      processes.some(({ name, status }: { name: string; status: string }) => name === 'orders-1' && status === 'ready'),
    )
    const { topics } = await session.ask('topics', { topic: 'payments.tasks' })
    assert.deepEqual(topics.map(({ name }: { name: string }) => name).sort(), ['payments.tasks', 'payments.tasks.dlq'])
    const { counts, letters } = await session.ask('dead_letters')
    assert.equal(
      Object.values<number>(counts).reduce((sum, count) => sum + count),
      letters.length,
    )
    const { settings } = await session.ask('settings', { application: 'orders' })
    assert.ok(settings.some(({ key }: { key: string }) => key === 'changeWindowMs'))
    const { levels } = await session.ask('service_levels', { ids: ['gateway-errors'] })
    assert.equal(levels[0].objective.unit, 'ratio')
    const { metrics } = await session.ask('metric_names', { contains: 'http_server_request' })
    assert.ok(metrics.length > 0)
    const { series } = await session.ask('metrics', { query: `count(up{service="orders"})` })
    assert.equal(series.length, 1)
    const { operations } = await session.ask('traffic', { service: 'orders', window_s: 600 })
    assert.ok(operations.some(({ operation }: { operation: string }) => operation === 'POST /orders'))
    const { rows } = await session.ask('requirements', { ids: ['R2'] })
    assert.ok(rows.length > 5)
  })

  it('has resources that hold still', { timeout: 60_000 }, async () => {
    await using session = await Session.open(world())
    const { resources } = await session.client.listResources()
    assert.ok(resources.length >= 4)
    for (const { uri } of resources) {
      const [content] = (await session.client.readResource({ uri })).contents
      const { text } = content as { text: string }
      assert.ok(text.length <= answerCharactersMax)
      assert.ok(Object.keys(JSON.parse(text)).length > 0, uri)
    }
  })
}

function refuses(world: () => World): void {
  it('answers nonsense with what was wrong and what to do next', { timeout: 60_000 }, async () => {
    await using session = await Session.open(world())
    const cases: readonly (readonly [tool: string, asked: Record<string, unknown>, says: RegExp])[] = [
      ['order_story', { order_id: 'nothing' }, /there is no order nothing.*`orders`/],
      ['order_story', {}, /order_id/],
      ['trace', { trace_id: 'xyz' }, /32 hex digits/],
      ['trace', { trace_id: '0'.repeat(32) }, /no span of this trace is kept.*`search_traces`/],
      ['records', { topic: 'orders.event' }, /did you mean orders\.events\?/],
      ['records', { topic: 'orders.events', limit: 1e9 }, /limit/],
      ['records', { topic: 'orders.events', where: 'items[' }, /such as status=paid/],
      ['dead_letters', { letter: 'somewhere' }, /<topic>\/<partition>\/<offset>/],
      ['metrics', { query: 'sum by (' }, /ends too early.*`metric_names`/],
      ['settings', { application: 'order' }, /did you mean orders\?/],
      ['requirements', { ids: ['R99'] }, /there is no row "R99"/],
      ['processes', { nonsense: true }, /nonsense/],
    ]
    for (const [tool, asked, says] of cases) assert.match(await session.refusal(tool, asked), says)
  })

  it('without --allow-changes nothing that changes anything is offered, and a call of it does nothing', {
    timeout: 60_000,
  }, async () => {
    const w = world()
    await using session = await Session.open(w)
    const names = await session.names()
    for (const name of changing) assert.ok(!names.includes(name), name)
    const { tools } = await session.client.listTools()
    for (const { name, annotations } of tools) assert.equal(annotations?.readOnlyHint, true, name)
    const pid = async () =>
      (await session.ask('processes')).processes.find(({ name }: { name: string }) => name === 'delivery-1').pid
    const before = await pid()
    await assert.rejects(
      session.client.callTool({ name: 'act_on_process', arguments: { action: 'restart', target: 'delivery' } }),
      /not found/,
    )
    assert.equal(await pid(), before)
    assert.match(session.client.getInstructions() ?? '', /without --allow-changes/)
  })
}

function changes(world: () => World): void {
  it('with --allow-changes it pauses, scales, sets, replays and proves, each marked destructive', {
    timeout: 180_000,
  }, async () => {
    await using session = await Session.open(world(), '--allow-changes')
    const { tools } = await session.client.listTools()
    const destructive = tools.filter(({ annotations }) => annotations?.destructiveHint).map(({ name }) => name)
    assert.deepEqual(destructive, changing)

    const act = async (action: string) =>
      (await session.ask('act_on_process', { action, target: 'mail-sink-1' })).instances[0].status
    assert.equal(await act('pause'), 'paused')
    assert.equal(await act('resume'), 'ready')
    assert.equal((await session.ask('scale', { service: 'delivery', count: 1 })).instances[0].name, 'delivery-1')
    assert.match(
      await session.refusal('act_on_process', { action: 'kill', target: 'payment' }),
      /did you mean payments\?/,
    )

    const setting = { application: 'orders', key: 'changeWindowMs', comment: 'a test of MCP' }
    const set = await session.ask('change_setting', { ...setting, value: 2_000 })
    assert.equal(set.setting.value, 2_000)
    assert.equal(typeof set.instances[0].tookMs, 'number', 'the running instance works with it')
    assert.match(await session.refusal('change_setting', { ...setting, value: 'long' }), /changeWindowMs/)
    assert.equal((await session.ask('change_setting', { ...setting, value: null })).setting.source, 'default')
    const { changes } = await session.ask('settings', { application: 'orders', history: true })
    assert.equal(changes[0].comment, 'a test of MCP')

    const wrong = { topic: 'users.events', type: 'user.unblocked', key: 'nobody', value: { userId: 'nobody' } }
    assert.match(await session.refusal('write_record', wrong), /version/)
    const replay = await session.ask('replay_dead_letters', { topic: 'orders.events' })
    assert.equal(replay.dryRun, true, 'a dry run unless one says otherwise')
    const { findings } = await session.ask('verify', { row: 'R2.8' })
    assert.deepEqual(
      findings.map(({ id, verdict }: { id: string; verdict: string }) => [id, verdict]),
      [['R2.8', 'PASS']],
    )
    assert.match(await session.refusal('verify', { row: 'R2.88' }), /did you mean R2\.8\?/)
  })
}
