/** What each process says about itself: health, metrics, info, and its log. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { World } from './world.ts'

/** The port that answers about the process: its own where it has one. PostgreSQL speaks no HTTP. */
const aboutPort = (ports: Readonly<Record<string, number>>): number | undefined =>
  ports.management ?? ports.http ?? ports.otlp

interface LogLine {
  readonly time?: string
  readonly level?: string
  readonly msg?: string
  readonly traceId?: string
  readonly method?: string
  readonly path?: string
  readonly service?: string
  readonly instance?: string
}

/** Asks every process about itself. */
export const processScenarios = (world: () => World): void => {
  describe('every process', () => {
    it('of the topology runs, in as many instances as it should', () => {
      const running = Map.groupBy(world().system.instances(), (view) => view.service)
      for (const { name, instances } of world().system.supervisor.options.topology.processes) {
        assert.deepEqual(
          running.get(name)?.map((view) => view.status),
          Array.from({ length: instances }, () => 'ready'),
          name,
        )
      }
    })

    it('serves /health/live, /health/ready, /metrics and /info', async () => {
      const w = world()
      for (const { name, kind, ports } of w.system.instances()) {
        if (kind === 'engine') continue
        const get = (path: string) => fetch(`http://127.0.0.1:${aboutPort(ports)}${path}`)
        for (const path of ['/health/live', '/health/ready']) {
          const answer = await get(path)
          assert.equal(answer.status, 200, `${name} ${path}: ${await answer.text()}`)
        }
        const metrics = await get('/metrics')
        assert.equal(metrics.status, 200, `${name} /metrics`)
        assert.match(metrics.headers.get('content-type') ?? '', /^text\/plain/, name)
        const told = kind === 'service' ? /^process_cpu_seconds_total\{/m : /^# TYPE \w+/m
        assert.match(await metrics.text(), told, name)
        const info = await get('/info')
        assert.equal(info.status, 200, `${name} /info`)
        assert.equal(typeof (await info.json()), 'object', name)
      }
    })

    it('writes JSON lines only, in UTC, with a trace id where a request is spoken of, and no secret', () => {
      const w = world()
      const secrets = [w.admin.password, w.admin.token, ...w.people.flatMap((user) => [user.password, user.token])]
      for (const { name, service, kind, log } of w.system.instances()) {
        // PostgreSQL writes its own form, straight into its file, so that its last words outlive the supervisor.
        if (kind === 'engine') continue
        const lines = readFileSync(log, 'utf8')
          .split('\n')
          .filter((line) => line !== '')
        assert.ok(lines.length > 0, `${name} says something`)
        for (const text of lines) {
          const about = `${name}: ${text}`
          let line: LogLine
          try {
            line = JSON.parse(text)
          } catch {
            assert.fail(`not JSON: ${about}`)
          }
          assert.match(line.time ?? '', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/, about)
          assert.ok(line.level !== undefined && line.msg !== undefined, about)
          // A field of the same name would be there twice, and readers would believe the second.
          if (kind === 'service') assert.deepEqual([line.service, line.instance], [service, name], about)
          if (line.method !== undefined || line.path !== undefined)
            assert.match(line.traceId ?? '', /^[0-9a-f]{32}$/, about)
          for (const secret of secrets) assert.ok(!text.includes(secret), `a secret is in the log of ${name}`)
        }
      }
    })
  })
}
