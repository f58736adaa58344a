/** Loaded before the entry file in a child of the bootstrap: when that is killed −9, the channel closes and we stop in order. */
if (process.channel) {
  process.channel.unref()
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
  // A listener would hold the event loop open as long as the parent lives.
  process.channel.unref()
}
