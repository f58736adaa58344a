#!/usr/bin/env node
import { main } from '../src/main.ts'

process.exitCode = await main(process.argv.slice(2))
// Standard input may still be open, and nothing else is left to do.
process.stdin.destroy()
