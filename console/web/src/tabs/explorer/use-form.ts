/** What was written into a form: parameters in the address, so that a link leads to the same; the rest stays here. */
import { useState } from 'react'
import { say, useQuery } from '../../shell/place.tsx'
import { beginning, type Field, type Known, unfit, type Values } from './fields.ts'

interface Form {
  readonly values: Values
  readonly value: (field: Field) => string
  readonly write: (field: Field, text: string) => void
  readonly unfit: readonly Field[]
}

/** Path and query are in the address; headers and bodies, in which passwords may be, aren't. */
const inAddress = ({ key }: Field): boolean => key.startsWith('path.') || key.startsWith('query.')

/** @param path of the operation, for what its fields begin with */
export function useForm(fields: readonly Field[], path: string, known: Known): Form {
  const [written, setWritten] = useState<Values>({})
  const address = useQuery()
  const value = (field: Field) => {
    const own = inAddress(field) ? (address.get(field.key) ?? undefined) : undefined
    return written[field.key] ?? own ?? beginning(field, path, known)
  }
  const values = Object.fromEntries(fields.map((field) => [field.key, value(field)]))
  const write = (field: Field, text: string) => {
    setWritten((before) => ({ ...before, [field.key]: text }))
    if (inAddress(field)) say({ [field.key]: text })
  }
  return { values, value, write, unfit: unfit(fields, values) }
}
