/** One of a few, side by side. */

interface RadiosProps<N extends string> {
  readonly name: string
  /** For screen readers. */
  readonly legend: string
  /** Those that there are, in this order. */
  readonly names: Readonly<Partial<Record<N, string>>>
  readonly value: N
  readonly choose: (value: N) => void
}

/** @param choose hears of each choice */
export function Radios<N extends string>({ name, legend, names, value, choose }: RadiosProps<N>) {
  return (
    <fieldset className="switch">
      <legend className="unseen">{legend}</legend>
      {(Object.entries(names) as [N, string][]).map(([one, text]) => (
        <label key={one}>
          <input type="radio" name={name} value={one} checked={one === value} onChange={() => choose(one)} />
          <span>{text}</span>
        </label>
      ))}
    </fieldset>
  )
}
