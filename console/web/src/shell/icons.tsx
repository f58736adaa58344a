/** Signs, drawn in the colour of the text around them. Those without text get their name from the button. */
const shapes = {
  kill: <path d="m4 4 8 8m0-8-8 8" />,
  restart: <path d="M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3" />,
  stop: <rect x="4" y="4" width="8" height="8" rx="1" />,
  start: <path d="M5 3.5v9l7-4.5z" />,
  pause: <path d="M5.5 4v8m5-8v8" />,
  more: <path d="M3.5 8h.01M8 8h.01M12.5 8h.01" strokeWidth="2.4" />,
  log: <path d="M3 4h10M3 8h7M3 12h9" />,
  bell: <path d="M4 11h8c-1-1-1-2-1-4a3 3 0 0 0-6 0c0 2 0 3-1 4Zm3 2h2" />,
  mail: <path d="M2.5 4.5h11v7h-11zm0 .5L8 9l5.5-4" />,
  sun: (
    <path d="M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6Zm0-3.5v1m0 11v1m6.5-6.5h-1m-11 0h-1m11.1-4.6-.7.7m-7.8 7.8-.7.7m9.2 0-.7-.7M4.1 4.1l-.7-.7" />
  ),
  moon: <path d="M13 9.5A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.5Z" />,
  auto: <path d="M8 2.5a5.5 5.5 0 1 1 0 11zm0 0a5.5 5.5 0 0 0 0 11" />,
  down: <path d="M8 3v10m0 0 4-4m-4 4L4 9" />,
  plus: <path d="M8 3.5v9M3.5 8h9" />,
  minus: <path d="M3.5 8h9" />,
  out: <path d="M6 4h6v6m0-6-8 8" />,
  search: <path d="M7 2.8a4.2 4.2 0 1 1 0 8.4 4.2 4.2 0 0 1 0-8.4Zm3.2 7.4 3.3 3.3" />,
  close: <path d="m4 4 8 8m0-8-8 8" />,
  side: <path d="M2.5 3.5h11v9h-11zm4 0v9" />,
  keys: <path d="M2 4.5h12v7H2zM4.5 7h.01M7 7h.01M9.5 7h.01M11.7 7h.01M5 9.3h6" />,
  map: (
    <path d="M4 3.2a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2Zm8 1.2a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM6.5 10.2a1.6 1.6 0 1 1 0 3.2 1.6 1.6 0 0 1 0-3.2ZM5.6 5.1l4.9.7m.5 1.5-3.3 3.3M4.5 6.3l1.5 4" />
  ),
  cart: <path d="M2 3h1.8l1.5 7h6.4l1.3-5H4.3M6 13h.01M11 13h.01" />,
  trace: <path d="M2.5 4h6M5 8h6M8.5 12h5" strokeWidth="2.4" />,
  chart: <path d="M2.5 2.5v11h11M5 10.5l2.5-3.5 2.3 2L13 5" />,
  level: <path d="M2.5 11a5.5 5.5 0 1 1 11 0M8 11l2.8-3.6" />,
  topic: <path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11M5 3v3m3 .5v3m3 .5v3" />,
  loop: (
    <path d="M8 2.5a5.5 5.5 0 0 1 5 3.2m.5 2.3a5.5 5.5 0 0 1-8 4.8m-2-1.5A5.5 5.5 0 0 1 5.6 3M13.2 3v2.8h-2.8M3 13.3l.3-2.6 2.6.4" />
  ),
  saga: <path d="M3 3.5h4v3H3zm6 6h4v3H9zM7 5h4.5v4.5M9 11H4.5V6.5" />,
  find: <path d="M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Zm2.3 3.2-1.4 3.2-3.2 1.4 1.4-3.2z" />,
  settings: <path d="M2.5 4.5h5m3 0h3m-11 3.5h1.5m3 0h6.5m-11 3.5h6m3 0h2M9 3v3M5.5 6.5v3m4.5.5v3" />,
  api: <path d="M5 3.5c-2 0-1 3.5-3 4.5 2 1 1 4.5 3 4.5m6-9c2 0 1 3.5 3 4.5-2 1-1 4.5-3 4.5" />,
  fault: <path d="M8.5 2 4 9h3.5L7 14l5-7H8.3z" />,
  flask: <path d="M6 2.5h4M6.8 2.5v4L3 13h10L9.2 6.5v-4M5 10h6" />,
  list: <path d="m2.5 4.5 1 1 1.8-2M2.5 10.5l1 1 1.8-2M7.5 5h6m-6 6h6" />,
  person: <path d="M8 2.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5ZM3 13.5c.5-3 2.3-4 5-4s4.5 1 5 4" />,
  book: <path d="M3 3h4c.7 0 1 .5 1 1v9c0-.6-.5-1-1-1H3zm10 0H9c-.7 0-1 .5-1 1v9c0-.6.5-1 1-1h4z" />,
} as const

export type IconName = keyof typeof shapes

/** A drawn sign; it has no name of its own for screen readers. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  )
}
