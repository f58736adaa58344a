import assert from 'node:assert/strict'
import { test } from 'node:test'
import { shapeOf, twinFaults } from './twins.ts'

const english = `# Title of the page

What it is about, in a sentence.

## First part
| name | limit | what |
|---|---|---|
| \`a\` | 1,000 | the first of MC1 |
| \`b\` | 2.5 | the second |

\`\`\`sh
npx svyaz ps   # what runs
\`\`\`

![a picture of it](diagrams/one.svg)

### A part of it
- an item of the list
`

const russian = `# Заголовок страницы

О чём она, одной фразой.

## Первая часть
| имя | предел | что |
|---|---|---|
| \`a\` | 1000 | первое у MC1 |
| \`b\` | 2,5 | второе |

\`\`\`sh
npx svyaz ps   # что работает
\`\`\`

![картинка](../diagrams/one.svg)

### Её часть
- пункт списка
`

const faults = (translation: string | undefined) =>
  twinFaults('page', shapeOf(english), shapeOf(translation)).join('\n')

test('a translation differs in words, in comments, and in how figures are written', () =>
  assert.equal(faults(russian), ''))

const damages: readonly (readonly [what: string, seen: RegExp, from: string, to: string])[] = [
  ['a heading is gone', /3 headings in the original, 2/, '### Её часть\n', ''],
  ['a heading is of another level', /headings differ: "###" is not "##"/, '### Её', '## Её'],
  ['a command is another', /code blocks differ: "npx svyaz ps" is not "npx svyaz up"/, 'svyaz ps', 'svyaz up'],
  [
    'a block of code is gone',
    /1 code blocks in the original, 0/,
    russian.slice(russian.indexOf('```'), russian.lastIndexOf('```') + 4),
    '',
  ],
  ['another picture', /pictures differ/, 'one.svg', 'two.svg'],
  ['a row is gone', /table 1: 3 rows in the original, 2/, '| `b` | 2,5 | второе |\n', ''],
  ['a cell is gone', /row 2: 3 cells in the original, 2/, ' | второе |', ' |'],
  ['a figure is another', /row 2: 2.5 `b` is not 3.5 `b`/, '2,5', '3,5'],
  ['a name of code is another', /row 1: 1000 `a` is not 1000 `c`/, '`a`', '`c`'],
  [
    'a paragraph was left as it was',
    /not translated: "What it is about/,
    'О чём она, одной фразой.',
    'What it is about, in a sentence.',
  ],
  ['an item was left as it was', /not translated: "- an item/, 'пункт списка', 'an item of the list'],
]

for (const [what, seen, from, to] of damages)
  test(`it turns when ${what}`, () => {
    assert.ok(russian.includes(from))
    assert.match(faults(russian.replace(from, to)), seen)
  })

test('a page without a translation is said to have none', () => assert.match(faults(undefined), /no translation/))
