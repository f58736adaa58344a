/**
 * What is looked at on each page of the console, for the walk that goes through all of them, for their pictures and for
 * the figures of their loading. Which pages there are is the console's own list: a page without its row here fails
 * page-checks.test.ts.
 */

export interface Place {
  /** What follows the page's own path: more of it, or a query. */
  readonly at: string
  /** CSS; what is there when the page shows what it is for. */
  readonly shows: string
}

export interface MainAction {
  /** CSS; the control that Tab must reach. */
  readonly control: string
  /** A key, as Playwright names it. */
  readonly key: string
  /** CSS; what comes of it, and wasn't there before. */
  readonly comes: string
}

export interface PageCheck {
  /** The first is the page as it opens. */
  readonly places: readonly [Place, ...Place[]]
  /** What one comes to do; undefined where there is only something to read. */
  readonly main: MainAction | undefined
}

/** By the first segment of the page's address. They want a system through which an order has gone. */
const checks: Readonly<Record<string, PageCheck>> = {
  '': {
    places: [
      { at: '', shows: '.node[data-node="service:orders"]' },
      { at: '?view=table', shows: '.edges-table tbody tr' },
      { at: '?node=service:orders', shows: '.map-panel .panel-lines li' },
    ],
    main: { control: 'button.place:enabled', key: 'Enter', comes: '.map-bar a[href^="/orders/"]' },
  },
  orders: {
    places: [{ at: '', shows: '.person-boris button.main:enabled' }],
    main: { control: '.person-boris button.main', key: 'Enter', comes: '.person-boris .chip[aria-current]' },
  },
  traces: {
    places: [{ at: '', shows: '.trace-list a' }],
    main: { control: '.trace-list a', key: 'Enter', comes: '.trace-head' },
  },
  logs: {
    places: [
      { at: '', shows: '.log.all .line' },
      { at: '/orders-1', shows: '.log .line' },
    ],
    main: { control: '.filters button', key: 'Enter', comes: '.filters button[aria-pressed=true]' },
  },
  charts: {
    places: [{ at: '', shows: '.panel path' }],
    main: {
      control: 'input[name=range]:checked',
      key: 'ArrowRight',
      comes: 'label:nth-of-type(3) input[name=range]:checked',
    },
  },
  levels: { places: [{ at: '', shows: '.level[data-verdict]' }], main: undefined },
  topics: {
    places: [
      { at: '', shows: 'tr[data-topic]' },
      { at: '/orders.events', shows: '.records li' },
      { at: '?view=dead', shows: '.cause, .gone' },
    ],
    main: { control: 'tr[data-topic="orders.events"] a', key: 'Enter', comes: 'tr[data-group]' },
  },
  mail: {
    places: [{ at: '', shows: '.mails a' }],
    main: { control: '.mails a', key: 'Enter', comes: 'article.mail' },
  },
  sagas: {
    places: [
      { at: '', shows: '[data-selection=all] b' },
      { at: '?status=all', shows: 'tr[data-saga]' },
    ],
    main: { control: '[data-selection=all]', key: 'Enter', comes: '[data-selection=all][aria-current]' },
  },
  relay: {
    places: [{ at: '', shows: '.relay-page[data-mood=ready]' }],
    main: { control: '.relay-head button', key: 'Enter', comes: '.relay-page[data-mood=running]' },
  },
  settings: {
    places: [{ at: '', shows: 'tr[data-setting]' }],
    main: { control: 'tr[data-setting] input', key: '9', comes: '.difference li' },
  },
  discovery: {
    places: [{ at: '', shows: 'tr[data-instance]' }],
    main: {
      control: 'input[name=discovery-state]:checked',
      key: 'ArrowRight',
      comes: 'input[name=discovery-state][value=bad]:checked',
    },
  },
  explorer: {
    places: [
      { at: '', shows: '.explorer-form' },
      { at: '/graphql', shows: '.explorer-page textarea' },
      { at: '/grpc', shows: '.explorer-form' },
      { at: '/channels', shows: '.explorer-form' },
    ],
    main: {
      control: '.choices-column a[href*=createOrder]',
      key: 'Enter',
      comes: '.choices-column a[href*=createOrder][aria-current]',
    },
  },
  protocols: {
    places: [{ at: '', shows: '.race-bar button.main:enabled' }],
    main: { control: '.race-bar button.main', key: 'Enter', comes: '.race-bars' },
  },
  faults: {
    places: [{ at: '', shows: '.fault-form' }],
    main: { control: '.fault-form button.danger', key: 'Enter', comes: '.fault-form button.armed' },
  },
  assignment: {
    places: [
      { at: '', shows: '.assignment-row' },
      { at: '?row=R1.9', shows: '.row-body' },
    ],
    main: { control: '.assignment-row summary', key: 'Enter', comes: '.row-body' },
  },
}

/** The pages that have a row, by the first segments of their addresses. */
export const checkedPaths = (): string[] => Object.keys(checks)

/** @throws Error when nobody has said what is looked at on that page */
export function checkOf(path: string): PageCheck {
  const found = checks[path]
  if (found === undefined) throw new Error(`page-checks.ts has no row for the page /${path}`)
  return found
}

/** The address of a place, on a console at `base`. */
export const addressOf = (base: string, path: string, { at }: Place): string => `${base}/${path}${at}`
