/** Every bound of this server. */
export const limits = {
  connectionsMax: 256,
  connectionsPerAddressMax: 128,
  bodyBytesMax: 16 * 1024,
  /** Of an answer that is read whole from the gateway, the telemetry or the supervisor. */
  answerBytesMax: 16 * 1024 * 1024,
  sessionsMax: 200,
  sessionsPerAddressMax: 100,
  /** One that was shown within this time goes for no new one. */
  sessionInUseMs: 15 * 60 * 1000,
  sessionRetryAfterSeconds: 60,
  sessionIdleMs: 12 * 60 * 60 * 1000,
  /** How long somebody may take to sign in, and how many may be at it. */
  signInMs: 10 * 60 * 1000,
  signInsMax: 1_000,
  /** Words of the provider that are remembered, so that each counts once; and how often a stranger may make this ask for its keys. */
  signOutsHeardMax: 1_000,
  providerKeysEveryMs: 10_000,
  pagesMax: 64,
  pagesPerAddressMax: 32,
  /** A page that doesn't read is cut off. */
  pageBufferedBytesMax: 2 * 1024 * 1024,
  pageMessageBytesMax: 1024,
  pingEveryMs: 20_000,
  logLinesMax: 2_000,
  logStreamsMax: 16,
  logStreamsPerAddressMax: 12,
  /** Of records looked at for one answer, and of those told. */
  recordsReadMax: 20_000,
  recordsShownMax: 500,
  /** Of a record's value, as it is shown. */
  recordBytesShown: 32_768,
  /** Of a request that writes a record. */
  recordBodyBytesMax: 256 * 1024,
  topicStreamsMax: 16,
  topicStreamsPerAddressMax: 6,
  /** The client of the broker is closed when no page has asked for this long. */
  brokerIdleMs: 60_000,
  /** Events that go back to their consumer by one request. */
  replayedMax: 200,
  replayWaitMs: 8_000,
  /** Of what the API page sends, and of an answer that it shows. */
  exploreBodyBytesMax: 128 * 1024,
  exploreCharsShown: 256 * 1024,
  exploreStreamsMax: 16,
  exploreStreamsPerAddressMax: 6,
  exploreStreamMs: 10 * 60 * 1000,
  /** Services of discovery that are looked at, and how many are asked for at once. */
  discoveredMax: 200,
  discoveryAtOnce: 8,
  /** Pages that ask within this time get the same answer. */
  discoveryFreshMs: 1_000,
  /** Of the protocol lab: calls of one protocol, how long a race lasts, and how long one call. */
  raceRunsMax: 200,
  raceMs: 30_000,
  raceCallMs: 5_000,
  /** Requests of the user's limit that a race leaves alone. */
  raceRequestsKeptBack: 15,
  /** Beside the seconds in which faults may begin: to prepare, to heal, to come to rest, to judge. */
  experimentPatienceMs: 300_000,
  /** Of proofs of the assignment: how long one run may take, then bring back what it broke; how many lines and findings are kept. */
  proofMs: 15 * 60_000,
  proofMendMs: 2 * 60_000,
  proofLinesMax: 2_000,
  /** Of one line that isn't the program's own. */
  proofTextMax: 4_000,
  proofsKept: 500,
  proofStreamsMax: 16,
  proofStreamsPerAddressMax: 6,
  callTimeoutMs: 10_000,
  /** Back-off of everything that is tried again. */
  retryMsMin: 250,
  retryMsMax: 5_000,
  /** Each try to follow an order counts against its user's limit at the gateway. */
  followRetryMsMax: 15_000,
  memoryEveryMs: 4_000,
  /** How often MC1 is asked: while a session runs, while none does; and how often one looks whether a page looks. */
  relayRunningMs: 250,
  relayIdleMs: 1_000,
  relayUnwatchedMs: 60_000,
  relayTimeoutMs: 3_000,
  /** MC1 takes up to 10 s to bring the last messages of a stopped session home. */
  relayCommandTimeoutMs: 15_000,
  /** The gateway allows 100 requests a minute and user; the last ones are for what the person does. */
  requestsKeptBack: 25,
  /** With more than this left beside those, stories are read at once. */
  requestsAmple: 40,
  storyDebounceMs: 120,
  storyDebounceSlowMs: 2_500,
  traceDebounceMs: 250,
  /** Placing, changes, cancelling: each is a trace of its own. */
  tracesPerOrder: 8,
  productsEveryMs: 2_500,
  /** After the last change a story may gain a step yet, and a trace its mails and frames. */
  storySettleMs: 1_000,
  traceSettleMs: [400, 900, 1_800, 4_000],
  buildTimeoutMs: 180_000,
} as const
