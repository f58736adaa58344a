import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeSync } from 'node:fs'
import { hostname } from 'node:os'
import { dirname } from 'node:path'

const heartbeatMs = 2_000
const silenceMaxMs = 30_000
const retryMs = 200

/**
 * Runs `work` while no other process on this checkout does. The holder touches the file as long as it lives;
 * one that is dead, or silent for 30 s (another container, a reused process id), has lost it.
 *
 * @template T
 * @param {string} file
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  mkdirSync(dirname(file), { recursive: true })
  let announced = false
  while (!tryCreate(file)) {
    if (!removeStale(file) && !announced) {
      announced = true
      process.stderr.write(`svyaz: another start is installing (${file}); waiting for it\n`)
    }
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
  const heartbeat = setInterval(() => touch(file), heartbeatMs)
  try {
    return await work()
  } finally {
    clearInterval(heartbeat)
    rmSync(file, { force: true })
  }
}

function tryCreate(file) {
  try {
    const handle = openSync(file, 'wx')
    writeSync(handle, JSON.stringify({ pid: process.pid, host: hostname() }))
    closeSync(handle)
    return true
  } catch (error) {
    if (error.code === 'EEXIST') return false
    throw error
  }
}

function touch(file) {
  try {
    utimesSync(file, new Date(), new Date())
  } catch {
    // Somebody took it from us as stale; the installation itself still ends as it does.
  }
}

/**
 * Two waiters that see the same stale file must not each remove one: the second would remove the first's
 * new lock. So removal has a lock of its own, held for microseconds.
 */
function removeStale(file) {
  if (!isStale(file)) return false
  const breaking = `${file}.breaking`
  if (!tryCreate(breaking)) {
    if (silentMs(breaking) > silenceMaxMs) rmSync(breaking, { force: true })
    return false
  }
  try {
    if (isStale(file)) rmSync(file, { force: true })
    return true
  } finally {
    rmSync(breaking, { force: true })
  }
}

function isStale(file) {
  const silent = silentMs(file)
  if (silent > silenceMaxMs) return true
  try {
    const { pid, host } = JSON.parse(readFileSync(file, 'utf8'))
    return host === hostname() && !exists(pid)
  } catch {
    // Gone, or created and not yet written to.
    return false
  }
}

function silentMs(file) {
  const stat = statSync(file, { throwIfNoEntry: false })
  return stat ? Date.now() - stat.mtimeMs : 0
}

function exists(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}
