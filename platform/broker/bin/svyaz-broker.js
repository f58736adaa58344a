#!/usr/bin/env node
// Plain JavaScript, so that an old Node can say what is wrong instead of failing on the first TypeScript file.
if (Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(`svyaz-broker: needs Node 24 or later, this is ${process.version}\n`)
  process.exit(1)
}
const { main } = await import('../src/main.ts')

// Standard input may still be open, and so may be a client that came before a start that failed.
process.exit(await main(process.argv.slice(2)))
