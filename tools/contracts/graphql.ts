/**
 * The schemas of the graph: composes the five subgraphs into the supergraph that the router reads, and compares what
 * clients may ask with what they could ask before. A removed field breaks whoever asks for it: that is refused, and
 * done on purpose by removing it from `generated/published.graphql` too.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { composeServices } from '@theguild/federation-composition'
import { buildASTSchema, buildSchema, findBreakingChanges, parse, printSchema, validate } from 'graphql'
import { subgraphNames } from '../../contracts/http/graphql.ts'

const folder = 'graphql'
const generated = join(folder, 'generated')
const published = join(generated, 'published.graphql')
const graphql = '# Made by tools/contracts.ts. Do not edit.\n\n'
const typescript = '// Made by tools/contracts.ts. Do not edit.\n\n'

const asConstant = (name: string, comment: string, text: string): string =>
  `/** ${comment} */\nexport const ${name} = ${JSON.stringify(text)}\n`

/**
 * Path below `contracts` → content, and what is wrong: a schema that doesn't compose, a change that breaks clients.
 *
 * @param contracts the folder
 */
export const graphqlFiles = async (contracts: string): Promise<{ files: Map<string, string>; faults: string[] }> => {
  const files = new Map<string, string>()
  const read = (path: string) => readFile(join(contracts, path), 'utf8')
  const subgraphs = await Promise.all(
    subgraphNames.map(async (name) => ({ name, sdl: await read(join(folder, `${name}.graphql`)) })),
  )
  const composed = composeServices(
    subgraphs.map(({ name, sdl }) => ({ name, url: `http://${name}/graphql`, typeDefs: parse(sdl) })),
  )
  if (!composed.supergraphSdl || !composed.publicSdl)
    return { files, faults: (composed.errors ?? []).map(({ message }) => `contracts/graphql: ${message}`) }
  const now = buildASTSchema(parse(composed.publicSdl))
  files.set(join(generated, 'supergraph.graphql'), `${graphql}${composed.supergraphSdl.trim()}\n`)
  files.set(published, `${graphql}${printSchema(now)}\n`)
  files.set(
    join(generated, 'supergraph.ts'),
    typescript +
      asConstant('supergraph', 'What supergraph.graphql says, so that a bundle carries it.', composed.supergraphSdl),
  )
  files.set(
    join(generated, 'subgraphs.ts'),
    typescript +
      subgraphs
        .map(({ name, sdl }) => asConstant(name, `What ${name}.graphql says, so that a bundle carries it.`, sdl))
        .join('\n'),
  )
  const registered = await operations(contracts)
  files.set(
    join(generated, 'operations.ts'),
    `${typescript}/** The documents of \`operations\`, by their file's name. */\nexport const operations = ${JSON.stringify(registered, null, 2)}\n`,
  )
  const invalid = Object.entries(registered).flatMap(([name, text]) =>
    validate(now, parse(text)).map(({ message }) => `contracts/graphql/operations/${name}.graphql: ${message}`),
  )
  const faults = breaches(await read(published).catch(() => undefined), printSchema(now))
  return { files, faults: [...invalid, ...faults] }
}

const operations = async (contracts: string): Promise<Record<string, string>> => {
  const place = join(contracts, folder, 'operations')
  const names = (await readdir(place)).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(place, name), 'utf8')))
  return Object.fromEntries(names.map((name, index) => [name.replace('.graphql', ''), texts[index] ?? '']))
}

/** What a client of the published schema would notice for the worse. Pure. */
export const breaches = (before: string | undefined, now: string): string[] =>
  before === undefined
    ? []
    : findBreakingChanges(buildSchema(before), buildSchema(now)).map(
        ({ type, description }) => `the graph: ${description} (${type}): clients that were written before would break`,
      )
