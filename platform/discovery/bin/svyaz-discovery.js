#!/usr/bin/env node
// Plain JavaScript, so that a Node that is too old can say so instead of failing on the first type.
const major = Number(process.versions.node.split('.')[0])
if (major < 24) {
  process.stderr.write(`svyaz-discovery needs Node 24 or newer; this is ${process.version}\n`)
  process.exit(1)
}
await import('../src/main.ts')
