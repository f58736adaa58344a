/**
 * Rules that can be broken on purpose, so that the checker (lab/checker) can show that it would notice. Inert unless
 * SVYAZ_SABOTAGE names them, separated by commas; nothing but the checker's own tests ever does.
 */
export const sabotages = {
  'skip-inbox': 'a handler runs for every delivery, also for one that was handled before',
  'commit-before-handler': 'the offset is committed when a record is taken up, not when its effect is',
  'publish-before-commit': 'an event is sent while the transaction that makes it is still open',
} as const

export type Sabotage = keyof typeof sabotages
