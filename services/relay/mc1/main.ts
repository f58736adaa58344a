import { runService } from '@svyaz/kit'
import { readRelayFile, relayFilePath } from './config.ts'
import { relayService } from './service.ts'

const path = relayFilePath(process.env)
const read = readRelayFile(path)
if ('faults' in read) {
  process.stderr.write(`mc1 can't start, ${path} is wrong:\n${read.faults.map((fault) => `  ${fault}\n`).join('')}`)
  process.exitCode = 2
} else await runService(relayService(read.values, (line) => process.stdout.write(`${line}\n`)))
