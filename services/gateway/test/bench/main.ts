/**
 * What a proxied request costs: our gateway beside the proxies that people use, in turns on one machine. `npm run
 * bench:gateway -- [--rounds 5] [--seconds 3] [--only ours,http-proxy] [--mode bare|featured] [--out file]`. wrk asks
 * over kept connections; counted is the processor time of the proxying process a request, which other work on the
 * machine changes little, unlike requests a second. Raw figures go to the file; docs/gateway-speed.md is made from it.
 */
import { type ChildProcess, execFile, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { programOf } from '../../../../lab/observe/program.ts'

/** Whatever ends this process, nothing that it started goes on. */
const started = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL')
})
const contestants = [
  'ours',
  'http-proxy',
  '@fastify/http-proxy',
  'http-proxy-3',
  'httpxy',
  'node:http + undici',
  'nginx',
]
/** What Node can't go below, and what our client costs alone (floor.ts), asked for by `--only`: bare alone. */
const floors: Readonly<Record<string, string>> = {
  'floor: sockets': 'sockets',
  'floor: server': 'server',
  'node:http + our client': 'client',
}
const modes = ['bare', 'featured'] as const
const { values } = programOf({
  command: 'npm run bench:gateway --',
  about: 'What a proxied request costs: our gateway beside the proxies that people use, in turns on one machine.',
  options: {
    rounds: { takes: 'n', range: { min: 1, max: 100 }, default: 5, about: 'each contestant once in each' },
    seconds: { takes: 'n', range: { min: 1, max: 600 }, default: 3, about: 'of each turn' },
    connections: { takes: 'n', range: { min: 1, max: 10_000 }, default: 16, about: 'that wrk keeps' },
    only: { takes: 'a,b', about: `of ${[...contestants, ...Object.keys(floors)].join(', ')}` },
    mode: { takes: 'mode', about: `${modes.join(' or ')}; both when left out` },
    method: { takes: 'method', default: 'GET', about: 'GET, or POST with 2 kB' },
    out: {
      takes: 'file',
      default: join(import.meta.dirname, '../../../..', 'lab/bench/results/gateway.json'),
      about: 'the raw figures',
    },
  },
})
const only = values.only?.split(',')
const chosen =
  only === undefined ? contestants : [...contestants, ...Object.keys(floors)].filter((name) => only.includes(name))

export interface Row {
  readonly name: string
  readonly mode: (typeof modes)[number]
  readonly method: string
  readonly round: number
  /** Of the proxying process and its workers, user and system. */
  readonly cpuMicros: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Contestant {
  readonly child: ChildProcess
  readonly port: number
}

const folder = mkdtempSync(join(tmpdir(), 'svyaz-bench-gateway-'))
const behind = fork(join(import.meta.dirname, 'behind.ts'))
started.add(behind)
const [{ port: behindPort }] = (await once(behind, 'message')) as [{ port: number }]
const rows: Row[] = []
const load = loadavg()[0] ?? 0
try {
  for (const mode of modes) if (values.mode === undefined || values.mode === mode) await compare(mode)
} finally {
  behind.kill()
  rmSync(folder, { recursive: true, force: true })
}
const machine = `${availableParallelism()} × ${cpus()[0]?.model}, Node ${process.version}`
const command = `npm run bench:gateway -- --rounds ${values.rounds} --seconds ${values.seconds}`
writeFileSync(
  values.out,
  `${JSON.stringify({ command, at: new Date().toISOString(), machine, load, connections: values.connections, rows })}\n`,
)

/** The least, the one in the middle, and the greatest. */
function ends(values: readonly number[]): number[] {
  const sorted = [...values].sort((a, b) => a - b)
  return [sorted[0]!, sorted[Math.floor(sorted.length / 2)]!, sorted.at(-1)!]
}

/** Everybody is there at once and idle, so that only turns are taken, not starts. */
async function compare(mode: (typeof modes)[number]): Promise<void> {
  // nginx has no such features without modules that nobody has built in.
  const names = chosen.filter((name) => mode === 'bare' || (name !== 'nginx' && !(name in floors)))
  const running = new Map<string, Contestant>()
  try {
    for (const name of names) running.set(name, name === 'nginx' ? await startNginx() : await start(name, mode))
    for (const [, { port }] of running) await wrk(port, 1)
    for (let round = 0; round < values.rounds; round++)
      for (const [name, contestant] of running) rows.push(await turn(name, mode, round, contestant))
  } finally {
    for (const { child } of running.values()) child.kill('SIGKILL')
  }
  for (const name of names) {
    const own = rows.filter((row) => row.name === name && row.mode === mode)
    const [min = 0, median = min, max = median] = ends(own.map(({ cpuMicros }) => cpuMicros))
    const [, perSecond = 0] = ends(own.map((row) => row.perSecond))
    process.stdout.write(
      `${mode.padEnd(9)} ${name.padEnd(20)} ${median.toFixed(0).padStart(4)} µs (${min.toFixed(0)}–${max.toFixed(0)}), ${perSecond.toFixed(0)}/s\n`,
    )
  }
}

async function start(name: string, mode: string): Promise<Contestant> {
  const floor = floors[name]
  const [file, args] =
    floor !== undefined
      ? ['floor.ts', [floor, String(behindPort)]]
      : name === 'ours'
        ? ['ours.ts', [mode, String(behindPort)]]
        : ['peer.ts', [name, mode, String(behindPort)]]
  // Log lines go to a file, as under a supervisor.
  const log = openSync(join(folder, 'log'), 'a')
  const child = fork(join(import.meta.dirname, file), args, { stdio: ['ignore', log, 'inherit', 'ipc'] })
  started.add(child)
  const [{ port }] = (await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(() => Promise.reject(new Error(`${name} ended`))),
  ])) as [{ port: number }]
  return { child, port }
}

async function startNginx(): Promise<Contestant> {
  const port = 20_000 + Math.floor(Math.random() * 10_000)
  const file = join(folder, 'nginx.conf')
  writeFileSync(
    file,
    `worker_processes 1; daemon off; pid ${folder}/nginx.pid; error_log stderr crit; events {}
http { access_log off; client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
upstream behind { server 127.0.0.1:${behindPort}; keepalive 64; }
server { listen 127.0.0.1:${port}; keepalive_requests 1000000; location / { proxy_pass http://behind; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header X-Forwarded-For $remote_addr; } } }`,
  )
  const child = spawn('nginx', ['-c', file, '-p', folder], { stdio: ['ignore', 'ignore', 'inherit'] })
  started.add(child)
  await once(child, 'spawn')
  for (let tries = 0; tries < 100; tries++) {
    try {
      await fetch(`http://127.0.0.1:${port}/orders`)
      return { child, port }
    } catch {
      await new Promise((again) => setTimeout(again, 50))
    }
  }
  throw new Error('nginx did not start')
}

async function turn(name: string, mode: Row['mode'], round: number, { child, port }: Contestant): Promise<Row> {
  const before = ticksOf(child.pid!)
  const { requests, perSecond, p50Ms, p99Ms } = await wrk(port, values.seconds)
  const cpuMicros = ((ticksOf(child.pid!) - before) * 10_000) / requests
  return { name, mode, method: values.method, round, cpuMicros, perSecond, p50Ms, p99Ms }
}

/** Hundredths of a second (proc_pid_stat(5), fields 14 and 15) of a process and of its children, who work for nginx. */
function ticksOf(pid: number): number {
  const pids = [pid, ...readdirSync(`/proc/${pid}/task`).flatMap((task) => children(pid, task))]
  return pids.reduce((sum, one) => {
    const fields = readFileSync(`/proc/${one}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
    return sum + Number(fields[11]) + Number(fields[12])
  }, 0)
}

function children(pid: number, task: string): number[] {
  const text = readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
  return text
    .split(' ')
    .filter((one) => one.trim() !== '')
    .map(Number)
}

/** @throws Error when anything but 200 was answered: a refusal is cheap, and no figure of a proxy */
async function wrk(port: number, seconds: number) {
  const script = join(folder, 'wrk.lua')
  writeFileSync(
    script,
    `wrk.method = "${values.method}"
wrk.headers["authorization"] = "Bearer svya_${'k'.repeat(43)}"
wrk.headers["accept"] = "application/json"
wrk.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64)"
${values.method === 'POST' ? `wrk.body = string.rep("x", 2048); wrk.headers["content-type"] = "application/json"` : ''}
done = function(summary, latency, requests)
  io.write(string.format('\\n{"requests":%d,"micros":%d,"wrong":%d,"p50":%d,"p99":%d}\\n', summary.requests, summary.duration, summary.errors.status + summary.errors.read + summary.errors.connect, latency:percentile(50), latency:percentile(99)))
end`,
  )
  const args = [
    '-t1',
    `-c${values.connections}`,
    `-d${seconds}s`,
    '-s',
    script,
    `http://127.0.0.1:${port}/orders?limit=20`,
  ]
  const { stdout } = await promisify(execFile)('wrk', args)
  const said = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<
    'requests' | 'micros' | 'wrong' | 'p50' | 'p99',
    number
  >
  if (said.wrong > 0) throw new Error(`${said.wrong} of ${said.requests} answers on port ${port} were wrong`)
  return {
    requests: said.requests,
    perSecond: said.requests / (said.micros / 1e6),
    p50Ms: said.p50 / 1_000,
    p99Ms: said.p99 / 1_000,
  }
}
