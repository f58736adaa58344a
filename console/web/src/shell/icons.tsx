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
