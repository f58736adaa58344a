/** Processor time of processes, as the kernel counts it for each of their threads; on Linux only. */
import { readdir, readFile } from 'node:fs/promises'

/** @returns microseconds since they began, all together; undefined where the kernel doesn't say */
export async function processorTimeUs(pids: readonly number[]): Promise<number | undefined> {
  if (pids.length === 0) return undefined
  try {
    const each = await Promise.all(pids.map(ofProcess))
    return each.reduce((sum, one) => sum + one, 0)
  } catch {
    return undefined
  }
}

async function ofProcess(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  // The first figure: nanoseconds on a processor (Documentation/scheduler/sched-stats.rst). A thread may have ended meanwhile.
  const texts = await Promise.all(
    threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').catch(() => '0')),
  )
  return texts.reduce((sum, text) => sum + Number(text.split(' ', 1)[0]) / 1_000, 0)
}
