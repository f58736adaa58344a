/**
 * Fills the parts of the Markdown pages that derive from code: tables of topics, routes and gRPC methods, diagrams of
 * processes and of the saga, the curl tour. `--check` writes nothing and fails on drift. Which parts there are:
 * `<!-- made by tools/docs.ts: … -->` in the pages.
 */
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { curlTour } from '../cli/src/welcome.ts'
import { assignmentTables } from './docs/assignment.ts'
import { cliCommands, cliExitCodes, cliVariables } from './docs/cli.ts'
import { consoleFigures } from './docs/console-figures.ts'
import { decisionsList } from './docs/decisions.ts'
import { diagramFiles } from './docs/diagrams.ts'
import { gatewayFigures } from './docs/gateway-figures.ts'
import { growthFigures } from './docs/growth-figures.ts'
import { grpcTable } from './docs/grpc.ts'
import { httpFigures } from './docs/http-figures.ts'
import { interactionsTable } from './docs/interactions.ts'
import { listenersTable } from './docs/listeners.ts'
import { mcpResources, mcpTools } from './docs/mcp.ts'
import { monitoringTable } from './docs/monitoring.ts'
import { peerFigures } from './docs/peer-figures.ts'
import { callsDiagram, processesTable } from './docs/processes.ts'
import { protocolFigures } from './docs/protocol-figures.ts'
import { fillRegions } from './docs/regions.ts'
import { relayFigures } from './docs/relay-figures.ts'
import { sagaDiagram, sagaTable, sagaWishes } from './docs/saga.ts'
import { saturationFigures } from './docs/saturation-figures.ts'
import { attacksTable, securityTable } from './docs/security.ts'
import { serviceContract } from './docs/service.ts'
import { telemetryFigures } from './docs/telemetry-figures.ts'
import { topicsDiagram, topicsTable } from './docs/topics.ts'

const root = join(import.meta.dirname, '..')

const makers: Record<string, (argument: string) => string | Promise<string>> = {
  assignment: assignmentTables,
  'console-figures': consoleFigures,
  'gateway-figures': gatewayFigures,
  'growth-figures': growthFigures,
  'http-figures': httpFigures,
  interactions: interactionsTable,
  listeners: listenersTable,
  'mcp-resources': mcpResources,
  'mcp-tools': mcpTools,
  monitoring: monitoringTable,
  'peer-figures': peerFigures,
  'protocol-figures': protocolFigures,
  'relay-figures': relayFigures,
  'curl-tour': () => ['```sh', ...curlTour(8080), '```'].join('\n'),
  processes: processesTable,
  calls: callsDiagram,
  'telemetry-figures': telemetryFigures,
  topics: topicsTable,
  'topics-diagram': topicsDiagram,
  grpc: grpcTable,
  'saturation-figures': saturationFigures,
  'saga-diagram': sagaDiagram,
  'saga-steps': sagaTable,
  'saga-wishes': sagaWishes,
  service: serviceContract,
  security: securityTable,
  attacks: attacksTable,
  decisions: decisionsList,
  'cli-commands': cliCommands,
  'cli-exit-codes': cliExitCodes,
  'cli-variables': cliVariables,
}

/** Every page of the project. */
export const pages = (): string[] =>
  globSync('**/*.md', { cwd: root, exclude: ['**/node_modules/**', '**/.svyaz/**'] }).sort()

/** [page, as it is, as it should be] of those that differ. */
export async function drift(): Promise<[string, string, string][]> {
  const found: [string, string, string][] = []
  for (const page of pages()) {
    const before = readFileSync(join(root, page), 'utf8')
    const after = await fillRegions(before, (kind, argument) => {
      const make = makers[kind]
      if (!make) throw new Error(`${page}: nothing makes "${kind}"`)
      return make(argument)
    })
    if (after !== before) found.push([page, before, after])
  }
  for (const [name, after] of diagramFiles()) {
    const file = `docs/diagrams/${name}`
    const before = existsSync(join(root, file)) ? readFileSync(join(root, file), 'utf8') : ''
    if (after !== before) found.push([file, before, after])
  }
  return found
}

if (import.meta.main) {
  const check = process.argv.includes('--check')
  const found = await drift()
  for (const [page, , after] of found) {
    if (!check) writeFileSync(join(root, page), after)
    process.stdout.write(`${page} ${check ? 'is not what the code says' : 'written'}\n`)
  }
  if (check && found.length > 0) {
    process.stdout.write('Run `node tools/bootstrap.mjs tools/docs.ts` and commit what it writes.\n')
    process.exitCode = 1
  }
}
