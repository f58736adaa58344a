import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { usageOfTree } from './process-table.ts'

test('the time of a child that ended still counts', {
  skip: process.platform === 'linux' ? false : 'only Linux has /proc',
}, async () => {
  const burn = 'while (process.cpuUsage().user < 300_000);'
  const parent = spawn('sh', ['-c', '"$1" -e "$2"; echo over; read line', 'sh', process.execPath, burn], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await once(parent.stdout, 'data')
    const pid = parent.pid ?? 0
    assert.ok(usageOfTree(pid).cpuMs >= 280, 'the child took 300 ms')
    assert.ok(usageOfTree(pid, true).cpuMs < 200, 'the shell itself next to nothing')
  } finally {
    parent.stdin.end()
  }
})
