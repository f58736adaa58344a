/** Fields as a schema says them. */
import { useId, useMemo } from 'react'
import type { CallerName } from '../../../../explore.ts'
import { useLive } from '../../live/use-live.ts'
import { useWords } from '../../shell/preferences.ts'
import { type Field, isNested, type Known } from './fields.ts'
import { explorerWords } from './words.ts'

/** Ids that the page has heard of, those of the caller first. */
export function useKnown(as: CallerName): Known {
  const products = useLive((state) => state.products)
  const orders = useLive((state) => state.orders)
  return useMemo(() => {
    const own = orders.find(({ user }) => user === as) ?? orders[0]
    return { productId: products[0]?.id, orderId: own?.order.id, userId: own?.order.userId }
  }, [products, orders, as])
}

interface FieldsProps {
  readonly legend: string
  readonly fields: readonly Field[]
  readonly value: (field: Field) => string
  readonly write: (field: Field, text: string) => void
  /** Keys of those that don't fit. */
  readonly unfit: ReadonlySet<string>
}

/** @param write hears of each change */
export function Fields({ legend, fields, value, write, unfit }: FieldsProps) {
  if (fields.length === 0) return null
  return (
    <fieldset className="explorer-fields">
      <legend>{legend}</legend>
      {fields.map((field) => (
        <OneField
          key={field.key}
          field={field}
          text={value(field)}
          invalid={unfit.has(field.key)}
          write={(text) => write(field, text)}
        />
      ))}
    </fieldset>
  )
}

interface OneFieldProps {
  readonly field: Field
  readonly text: string
  readonly invalid: boolean
  readonly write: (text: string) => void
}

function OneField({ field, text, invalid, write }: OneFieldProps) {
  const words = useWords(explorerWords)
  const id = useId()
  const { name, required, schema, description } = field
  const nested = isNested(schema)
  const choices = schema.enum ?? (schema.type === 'boolean' ? [true, false] : undefined)
  const common = {
    id,
    value: text,
    'aria-invalid': invalid || undefined,
    'aria-describedby': description === undefined ? undefined : `${id}-why`,
    onChange: ({ target }: { target: { value: string } }) => write(target.value),
  }
  return (
    <div className="field" data-field={name}>
      <label htmlFor={id}>
        {name}
        <span className="hint">
          {required && ` · ${words.required}`}
          {nested && ` · ${words.asJson}`}
        </span>
      </label>
      {nested ? (
        <textarea {...common} rows={Math.min(12, Math.max(2, text.split('\n').length))} spellCheck={false} />
      ) : choices === undefined ? (
        <input
          {...common}
          type={schema.type === 'string' ? (name.toLowerCase().includes('password') ? 'password' : 'text') : 'number'}
          autoComplete="off"
          spellCheck={false}
          placeholder={schema.default === undefined ? undefined : String(schema.default)}
        />
      ) : (
        <select {...common}>
          {!required && <option value="">{words.left}</option>}
          {choices.map((one) => (
            <option key={String(one)}>{String(one)}</option>
          ))}
        </select>
      )}
      {description !== undefined && (
        <p className="hint" id={`${id}-why`}>
          {description}
        </p>
      )}
    </div>
  )
}
