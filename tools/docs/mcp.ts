/** The tools of `svyaz mcp`, from the table that the server itself reads. */
import { resources } from '../../cli/src/mcp/resources.ts'
import type { Tool } from '../../cli/src/mcp/tool.ts'
import { tools } from '../../cli/src/mcp/tools.ts'
import { code, table } from './regions.ts'

/** Every tool with its arguments; those that change something are marked. */
export const mcpTools = (): string =>
  table(
    ['tool', 'arguments', 'what it returns'],
    tools.map((tool) => [
      `${code(tool.name)}${tool.changes ? ' (`--allow-changes`)' : ''}`,
      argumentsOf(tool),
      inProse(tool.description),
    ]),
  )

/** Every resource. */
export const mcpResources = (): string =>
  table(
    ['resource', 'what'],
    resources.map(({ uri, description }) => [code(uri), inProse(description)]),
  )

/** Those that must be given in bold. */
const argumentsOf = ({ input }: Tool): string =>
  Object.entries(input.shape)
    .map(([name, schema]) => (schema.safeParse(undefined).success ? code(name) : `**${code(name)}**`))
    .join(', ') || '–'

/** What is in angle brackets kept from looking like HTML, unless it is code already. */
const inProse = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replace(/<[^>]+>/g, (form) => code(form))))
    .join('')
