/** Aborts at the first Ctrl-C: what follows something live ends then, with success. */
export function untilInterrupted(): AbortSignal {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
  // Whoever reads the output may have enough (`| head`).
  process.stdout.once('error', () => stop.abort())
  return stop.signal
}
