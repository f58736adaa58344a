/** Rules about who imports whom. */
import { type Finding, isTest, type Project, packageNameOf, packageOf, resolveImport } from './project.ts'

/**
 * What each part may import besides itself; '*' stands for all. The arrows of STYLE.md: services → platform/kit →
 * contracts. Broker, discovery and telemetry speak public protocols and must be publishable alone, so they import
 * nothing of ours but what every port goes through (listener) and the small stage that processes without the kit
 * share, and what plays the outside world must not know the inside. In the laboratory everything looks through
 * lab/observe, and proofs know nothing of the command that runs them.
 */
const arrows: Record<string, readonly string[]> = {
  contracts: [],
  'platform/listener': [],
  'platform/kit': ['contracts', 'platform/listener'],
  'platform/broker': ['platform/listener', 'platform/stage'],
  'platform/discovery': ['platform/listener', 'platform/stage'],
  'platform/stage': ['platform/listener'],
  'platform/metrics': [],
  'platform/telemetry': ['platform/listener', 'platform/metrics', 'platform/stage'],
  services: ['contracts', 'platform/kit', 'platform/listener'],
  outside: ['platform/listener', 'platform/stage'],
  console: ['contracts', 'platform/kit', 'platform/listener', 'platform/stage'],
  examples: ['contracts', 'platform/kit'],
  system: ['contracts', 'platform/kit', 'platform/listener', 'platform/metrics'],
  cli: ['*'],
  'lab/observe': ['contracts', 'system'],
  'lab/verify': ['contracts', 'platform/metrics', 'system', 'services', 'lab/observe'],
  'lab/checker': ['contracts', 'system', 'lab/observe'],
  'lab/bench': ['*'],
  'lab/whole': ['*'],
  tools: ['*'],
  bin: ['tools'],
  deploy: ['*'],
}

/** Tests of these parts stay alone too: what they need is a public client from the registry. */
const aloneEvenInTests = new Set([
  'contracts',
  'platform/broker',
  'platform/discovery',
  'platform/telemetry',
  'platform/metrics',
  'platform/listener',
  'platform/stage',
  'outside',
])

/** A part holds one thing, or (services, outside, examples) one thing a folder that never imports its neighbour. */
export function partOf(path: string): { kind: string; part: string } {
  const [first = '', second = ''] = path.split('/')
  if (first === 'platform' || first === 'lab') return { kind: `${first}/${second}`, part: `${first}/${second}` }
  if (['services', 'outside', 'examples'].includes(first)) return { kind: first, part: `${first}/${second}` }
  return { kind: first, part: first }
}

/** Imports against the arrows, and relative paths that leave their package. */
export function checkArrows(project: Project): Finding[] {
  return project.sources.flatMap((source) =>
    source.imports.flatMap(({ specifier, line }): Finding[] => {
      const target = resolveImport(project, source.path, specifier)
      if (target === undefined) return []
      const from = partOf(source.path)
      const to = partOf(target)
      if (from.part === to.part) return []
      if (!mayImport(source.path, from, to)) {
        return [{ path: source.path, line, message: `${from.part} must not import ${to.part} (${specifier})` }]
      }
      const leaves =
        specifier.startsWith('.') && packageOf(project, target).folder !== packageOf(project, source.path).folder
      // Tests may take the path: the name would need a dependency, and kit's tests and system would need each other.
      return leaves && from.part !== 'tools' && !isTest(source.path)
        ? [
            {
              path: source.path,
              line,
              message: `another package is imported by its name, not by a path (${specifier})`,
            },
          ]
        : []
    }),
  )
}

function mayImport(path: string, from: { kind: string }, to: { kind: string }): boolean {
  const allowed = arrows[from.kind] ?? []
  if (allowed.includes('*') || allowed.includes(to.kind)) return true
  // A test may start the real parts around it, but a service's test no other service: that is what contracts are for.
  return isTest(path) && !aloneEvenInTests.has(from.kind) && to.kind !== 'services'
}

/**
 * Circles of imports, of types too: what is read from one end needs an end. Each is reported once, at its first file.
 */
export function checkCycles(project: Project): Finding[] {
  const graph = new Map(
    project.sources.map(({ path, imports }) => {
      const targets = imports.flatMap(({ specifier }) => {
        const target = resolveImport(project, path, specifier)
        return target === undefined ? [] : [target]
      })
      return [path, targets] as const
    }),
  )
  const findings: Finding[] = []
  const finished = new Set<string>()
  const trail: string[] = []
  const visit = (path: string) => {
    const start = trail.indexOf(path)
    if (start >= 0) findings.push({ path, message: `import cycle: ${[...trail.slice(start), path].join(' → ')}` })
    if (start >= 0 || finished.has(path)) return
    trail.push(path)
    for (const next of graph.get(path) ?? []) visit(next)
    trail.pop()
    finished.add(path)
  }
  for (const path of graph.keys()) visit(path)
  return findings
}

/** Relative imports that lead nowhere, and packages that the nearest package.json doesn't declare. */
export function checkDeclared(project: Project): Finding[] {
  const known = new Set(project.sources.map(({ path }) => path))
  const development = project.packages.find(({ folder }) => folder === '')?.manifest.devDependencies ?? {}
  return project.sources.flatMap((source) => {
    const { folder, manifest } = packageOf(project, source.path)
    const declared = { ...manifest.dependencies, ...manifest.optionalDependencies, ...manifest.peerDependencies }
    const usable =
      isTest(source.path) || folder === '' ? { ...declared, ...manifest.devDependencies, ...development } : declared
    return source.imports.flatMap(({ specifier, line, typeOnly }): Finding[] => {
      const at = { path: source.path, line }
      const target = resolveImport(project, source.path, specifier)
      if (target && /\.(?:ts|tsx|mts|mjs)$/.test(target) && !known.has(target)) {
        return [{ ...at, message: `${specifier} leads to ${target}, which is not there` }]
      }
      const name = packageNameOf(specifier)
      if (!name || name === manifest.name || name in usable) return []
      // Types of a package that a declared one brings are erased; @types/… live at the root.
      if (typeOnly && (name in development || `@types/${name}` in development)) return []
      return [{ ...at, message: `${name} is not declared in ${folder === '' ? '' : `${folder}/`}package.json` }]
    })
  })
}
