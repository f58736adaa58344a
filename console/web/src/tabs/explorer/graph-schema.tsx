/** The types of the graph; a field of the roots becomes a question, a type leads to its own fields. */
import type { GraphField, GraphType } from '../../../declared-api.ts'
import { Icon } from '../../shell/icons.tsx'
import { say, useQuery } from '../../shell/place.tsx'
import { useWords } from '../../shell/preferences.ts'
import { documentFor } from './question.ts'
import { explorerWords } from './words.ts'

const roots = ['Query', 'Subscription']

interface GraphSchemaProps {
  readonly types: readonly GraphType[]
  readonly ask: (document: string) => void
}

/** @param ask gets a question for a field of the roots */
export function GraphSchema({ types, ask }: GraphSchemaProps) {
  const words = useWords(explorerWords)
  const asked = useQuery().get('type')
  const known = new Set(types.map(({ name }) => name))
  return (
    <section className="card graph-schema" aria-label={words.schema}>
      <h2>{words.schema}</h2>
      {types.map((type) => (
        <details
          key={`${type.name} ${type.name === asked}`}
          open={type.name === asked || type.name === 'Query'}
          data-type={type.name}
        >
          <summary>
            <b>{type.name}</b>
            {type.description !== undefined && <span className="hint"> {type.description}</span>}
          </summary>
          <ul>
            {type.fields.map((field) => (
              <li key={field.name}>
                <code>
                  {field.name}
                  {argumentsOf(field)}:{' '}
                </code>
                {known.has(field.named) ? (
                  <button type="button" className="quiet type" onClick={() => say({ type: field.named })}>
                    {field.type}
                  </button>
                ) : (
                  <code>{field.type}</code>
                )}
                {roots.includes(type.name) && (
                  <button
                    type="button"
                    className="quiet square"
                    aria-label={words.insert(field.name)}
                    title={words.insert(field.name)}
                    onClick={() => ask(documentFor(type.name, field, types))}
                  >
                    <Icon name="plus" />
                  </button>
                )}
                {field.description !== undefined && <p className="hint">{field.description}</p>}
              </li>
            ))}
            {type.values.map((value) => (
              <li key={value}>
                <code>{value}</code>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </section>
  )
}

function argumentsOf({ args }: GraphField): string {
  if (args.length === 0) return ''
  const each = args.map(
    ({ name, type, default: given }) => `${name}: ${type}${given === undefined ? '' : ` = ${given}`}`,
  )
  return `(${each.join(', ')})`
}
