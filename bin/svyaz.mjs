#!/usr/bin/env node
// `npx svyaz …` from the checkout, on any Node.js: the bootstrap finds or brings Node 24.
process.argv.splice(2, 0, 'cli/src/main.ts')
import('../tools/bootstrap.mjs')
