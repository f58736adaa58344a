/**
 * Writes what derives from the contracts: TypeScript and descriptors from the .proto files, OpenAPI per service and of
 * the public edge, AsyncAPI, the supergraph. With `--check` it writes nothing and fails on any drift, on lint, and on an invalid document.
 */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { asyncApiDocument } from '../contracts/asyncapi.ts'
import { routes, topics } from '../contracts/index.ts'
import { openApiDocument } from '../contracts/openapi.ts'
import { graphqlFiles } from './contracts/graphql.ts'

const contracts = join(import.meta.dirname, '..', 'contracts')
const bin = join(import.meta.dirname, '..', 'node_modules', '.bin')
const version = '1'
const run = promisify(execFile)

/** Path below contracts/ → content. */
type Files = Map<string, string | Buffer>

const documents = (): Files => {
  const files: Files = new Map()
  const add = (name: string, document: object) =>
    files.set(join('generated', name), `${JSON.stringify(document, null, 2)}\n`)
  for (const service of new Set(routes.map((route) => route.service)))
    add(
      `openapi/${service}.json`,
      openApiDocument(
        routes.filter((route) => route.service === service),
        { title: `${service} of Svyaz`, version },
      ),
    )
  add(
    'openapi.json',
    openApiDocument(
      routes.filter((route) => route.internal !== true),
      { title: 'Svyaz', version, description: 'Everything that the gateway answers.' },
      'gateway',
    ),
  )
  add('asyncapi.json', asyncApiDocument(topics, { title: 'Svyaz', version }))
  return files
}

/** Runs buf in contracts/; its messages go through, a failure is thrown. */
const buf = async (...args: string[]): Promise<void> => {
  const path = `${bin}:${process.env.PATH ?? ''}`
  await run(join(bin, 'buf'), args, { cwd: contracts, env: { ...process.env, PATH: path } }).catch(
    (error: Error & { stdout?: string; stderr?: string }) => {
      throw new Error(`buf ${args.join(' ')}\n${error.stdout ?? ''}${error.stderr ?? ''}`.trim())
    },
  )
}

const fromProto = async (): Promise<Files> => {
  const folder = await mkdtemp(join(tmpdir(), 'svyaz-proto-'))
  try {
    await buf('generate', 'proto', '-o', folder)
    await buf('build', '--exclude-source-info', '-o', join(folder, 'descriptors.binpb'))
    const files: Files = new Map()
    const generated = join('proto', 'generated')
    for (const name of (await readdir(join(folder, generated))).sort())
      files.set(join(generated, name), await readFile(join(folder, generated, name)))
    const descriptors = await readFile(join(folder, 'descriptors.binpb'))
    files.set(join(generated, 'descriptors.binpb'), descriptors)
    files.set(
      join(generated, 'descriptors.ts'),
      [
        '// Made by tools/contracts.ts from descriptors.binpb. Do not edit.',
        '',
        '/** The FileDescriptorSet of every .proto, in base64, so that a bundle carries it. */',
        `export const descriptors =\n  "${descriptors.toString('base64')}";`,
        '',
      ].join('\n'),
    )
    return files
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Faults that AsyncAPI's own parser finds. */
const asyncApiFaults = async (text: string): Promise<string[]> => {
  const { Parser } = await import('@asyncapi/parser')
  const diagnostics = await new Parser().validate(text)
  const serious = 1
  return diagnostics
    .filter(({ severity }) => severity <= serious)
    .map(({ code, path, message }) => `asyncapi.json ${path.join('.')}: ${message} (${code})`)
}

const drift = async (files: Files): Promise<string[]> => {
  const faults: string[] = []
  for (const [path, content] of files) {
    const onDisk = await readFile(join(contracts, path)).catch(() => undefined)
    if (onDisk === undefined || !onDisk.equals(Buffer.from(content)))
      faults.push(`contracts/${path} is not what the contracts say`)
  }
  return faults
}

const check = process.argv.includes('--check')
const faults: string[] = []
await buf('lint').catch((error: Error) => faults.push(error.message))
const graph = await graphqlFiles(contracts)
faults.push(...graph.faults)
const files: Files = new Map([...(await fromProto()), ...documents(), ...graph.files])
faults.push(...(await asyncApiFaults(String(files.get(join('generated', 'asyncapi.json'))))))
if (check) faults.push(...(await drift(files)))
else if (graph.faults.length === 0)
  for (const [path, content] of files) {
    await mkdir(dirname(join(contracts, path)), { recursive: true })
    await writeFile(join(contracts, path), content)
  }
for (const fault of faults) process.stderr.write(`${fault}\n`)
if (faults.length > 0) {
  process.stderr.write(check ? 'Run `npm run contracts` and commit what it writes.\n' : '')
  process.exitCode = 1
} else process.stdout.write(`${files.size} files ${check ? 'are as the contracts say' : 'written'}\n`)
