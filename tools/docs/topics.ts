/** The topics as a table and as a diagram. */
import { topics } from '../../contracts/index.ts'
import { serviceNames } from '../../contracts/vocabulary.ts'
import { code, mermaid, table } from './regions.ts'

const everyone = (readers: readonly string[]): boolean => serviceNames.every((name) => readers.includes(name))

/** The topics of the contracts as a table. */
export function topicsTable(): string {
  return table(
    ['topic', 'kind', 'written by', 'read by', 'key', 'what it carries'],
    topics.map((topic) => [
      code(topic.name),
      topic.kind === 'task' ? 'queue' : 'pub/sub',
      topic.writer,
      everyone(topic.readers) ? 'every service' : topic.readers.join(', '),
      topic.key,
      Object.keys(topic.events).map(code).join(', '),
    ]),
  )
}

const identifier = (name: string): string => name.replace(/\W/g, '_')

/** Services and topics; what everyone reads would only hide the rest, so it is left to the table. */
export function topicsDiagram(): string {
  const shown = topics.filter((topic) => !everyone(topic.readers))
  return mermaid([
    'flowchart LR',
    ...shown.map(({ name, kind }) => `  t_${identifier(name)}${kind === 'task' ? `[[${name}]]` : `([${name}])`}`),
    ...shown.flatMap(({ name, writer, readers }) => [
      `  ${writer} --> t_${identifier(name)}`,
      ...readers.map((reader) => `  t_${identifier(name)} --> ${reader}_reads[${reader}]`),
    ]),
  ])
}
