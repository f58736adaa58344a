import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checkUsed } from './tidy/dependencies.ts'
import { checkDead, checkEnvironment, checkLength } from './tidy/files.ts'
import { checkFunctions } from './tidy/functions.ts'
import { checkArrows, checkCycles, checkDeclared } from './tidy/imports.ts'
import type { Finding, Lock, Manifest, Project } from './tidy/project.ts'
import { checkCitations } from './tidy/references.ts'
import { checkRooms } from './tidy/rooms.ts'
import { readSource } from './tidy/source.ts'
import { checkExact, checkIntegrity, checkPlatforms, checkResolved } from './tidy/versions.ts'
import { checkWords } from './tidy/words.ts'

/** A project made of file texts and manifests. */
function project(files: Record<string, string>, manifests: Record<string, Manifest> = {}, locks: Lock[] = []): Project {
  const entries = Object.entries(files)
  return {
    sources: entries.filter(([path]) => !path.endsWith('.md')).map(([path, text]) => readSource(path, text)),
    pages: entries.filter(([path]) => path.endsWith('.md')).map(([path, text]) => ({ path, text })),
    packages: Object.entries({ '': {}, ...manifests }).map(([folder, manifest]) => ({ folder, manifest })),
    locks,
  }
}

const at = (findings: Finding[]) => findings.map(({ path, line }) => (line === undefined ? path : `${path}:${line}`))

describe('what a source refers to', () => {
  const importsOf = (text: string) => readSource('a.ts', text).imports.map(({ specifier }) => specifier)

  test('every form of import is seen', () => {
    const text = [
      "import './bare.ts'",
      "import a from './default.ts'",
      'import { b, c } from "./named.ts"',
      "import {\n  d,\n} from './lines.ts'",
      "export { e } from './again.ts'",
      "export * from './all.ts'",
      "const f = await import('./lazy.ts')",
      "const g = import.meta.resolve('./resolved.ts')",
    ].join('\n')
    assert.deepEqual(
      importsOf(text),
      ['bare', 'default', 'named', 'lines', 'again', 'all', 'lazy', 'resolved'].map((name) => `./${name}.ts`),
    )
  })

  test('comments, strings, templates and regular expressions are not imports', () => {
    const text = [
      "// import './comment.ts'",
      "/* import './block.ts' */",
      'const a = "import \'./string.ts\'"',
      // biome-ignore lint/suspicious/noTemplateCurlyInString: it is source code to be read.
      'const b = `import "./template.ts" ${"x" + `from "./nested.ts"`} from "./after.ts"`',
      'const c = /from "\\/[\'"]/',
      'const d = 4 / 2',
      "import './real.ts'",
    ].join('\n')
    assert.deepEqual(importsOf(text), ['./real.ts'])
  })

  test('a line number is where the specifier stands', () => {
    assert.deepEqual(readSource('a.ts', "\n\nimport {\n  a,\n} from './b.ts'\n").imports[0]?.line, 5)
  })

  test('only a whole type import is gone at run time', () => {
    const text =
      "import type { A } from './a.ts'\nimport { type B } from './b.ts'\nexport type { C } from './c.ts'\nimport D from './d.ts'"
    assert.deepEqual(
      readSource('x.ts', text).imports.map(({ typeOnly }) => typeOnly),
      [true, false, true, false],
    )
  })
})

describe('arrows', () => {
  const packages = {
    contracts: { name: '@svyaz/contracts', exports: './index.ts' },
    'platform/kit': { name: '@svyaz/kit', exports: './src/index.ts' },
    'platform/broker': { name: '@svyaz/broker', exports: './src/index.ts' },
    'services/orders': { name: '@svyaz/orders', exports: './src/service.ts' },
    'services/users': { name: '@svyaz/users', exports: './src/service.ts' },
    system: { name: '@svyaz/system', exports: './topology.ts' },
    cli: { name: '@svyaz/cli', exports: './src/index.ts' },
    'lab/observe': { name: '@svyaz/observe', exports: './until.ts' },
    'lab/verify': { name: '@svyaz/verify', exports: './verify.ts' },
  }
  const breaches = (path: string, specifier: string) =>
    at(checkArrows(project({ [path]: `import '${specifier}'` }, packages)))

  for (const [path, specifier] of [
    ['services/orders/src/a.ts', '@svyaz/kit'],
    ['services/orders/src/a.ts', '@svyaz/contracts'],
    ['services/orders/src/a.ts', './b.ts'],
    ['platform/kit/src/a.ts', '@svyaz/contracts'],
    ['services/orders/test/a.test.ts', '@svyaz/broker'],
    ['cli/src/a.ts', '@svyaz/system'],
    ['lab/verify/a.ts', '@svyaz/observe'],
    ['cli/src/a.ts', '@svyaz/verify'],
    ['lab/whole/a.ts', '@svyaz/cli'],
    ['system/test/a.test.ts', '@svyaz/observe'],
    ['console/src/a.ts', '@svyaz/contracts'],
    ['platform/kit/test/a.ts', '../../broker/src/index.ts'],
  ] as const) {
    test(`${path} may import ${specifier}`, () => assert.deepEqual(breaches(path, specifier), []))
  }

  for (const [path, specifier] of [
    ['system/src/a.ts', '@svyaz/orders'],
    ['services/orders/src/a.ts', '@svyaz/users'],
    ['services/orders/test/a.test.ts', '@svyaz/users'],
    ['services/orders/src/a.ts', '@svyaz/broker'],
    ['services/orders/src/a.ts', '@svyaz/system'],
    ['platform/kit/src/a.ts', '@svyaz/orders'],
    ['platform/broker/src/a.ts', '@svyaz/contracts'],
    ['platform/broker/test/a.test.ts', '@svyaz/kit'],
    ['contracts/a.ts', '@svyaz/kit'],
    ['console/src/a.ts', '@svyaz/system'],
    ['outside/mail-sink/src/a.ts', '@svyaz/contracts'],
    ['system/src/a.ts', '../../services/orders/src/service.ts'],
    ['system/src/a.ts', '@svyaz/observe'],
    ['lab/verify/a.ts', '@svyaz/cli'],
    ['lab/checker/a.ts', '@svyaz/verify'],
    ['lab/observe/a.ts', '@svyaz/verify'],
  ] as const) {
    test(`${path} must not import ${specifier}`, () => assert.deepEqual(breaches(path, specifier), [`${path}:1`]))
  }
})

describe('cycles', () => {
  test('a circle is reported once, with its way', () => {
    const findings = checkCycles(
      project({
        'a.ts': "import './b.ts'",
        'b.ts': "import './c.ts'",
        'c.ts': "import './a.ts'",
        'd.ts': "import './a.ts'",
      }),
    )
    assert.deepEqual(findings, [{ path: 'a.ts', message: 'import cycle: a.ts → b.ts → c.ts → a.ts' }])
  })

  test('two ways to one file make no circle', () => {
    const files = { 'a.ts': "import './b.ts'\nimport './c.ts'", 'b.ts': "import './c.ts'", 'c.ts': '' }
    assert.deepEqual(checkCycles(project(files)), [])
  })

  test('types that refer to each other are a circle', () => {
    const files = { 'lab/a.ts': "import './b.ts'", 'lab/b.ts': "import type { A } from './a.ts'" }
    assert.deepEqual(
      checkCycles(project(files)).map(({ path }) => path),
      ['lab/a.ts'],
    )
  })
})

describe('declared', () => {
  const packages = { '': { devDependencies: { ws: '1.0.0' } }, a: { name: '@x/a', dependencies: { pg: '1.0.0' } } }
  const breaches = (path: string, text: string) => checkDeclared(project({ [path]: text }, packages)).length

  test('declared packages, Node itself and the own name are fine', () => {
    assert.equal(breaches('a/src/x.ts', "import 'pg'\nimport 'pg/lib/x.js'\nimport 'node:fs'\nimport '@x/a/y.ts'"), 0)
  })
  test('a package that only happens to be installed is not', () => {
    assert.equal(breaches('a/src/x.ts', "import 'ws'"), 1)
    assert.equal(breaches('a/src/x.ts', "import '@scope/other/deep.js'"), 1)
  })
  test("a test may use the root's development packages", () => {
    assert.equal(breaches('a/src/x.test.ts', "import 'ws'"), 0)
  })
  test('a relative import that leads nowhere is reported', () => {
    assert.equal(breaches('a/src/x.ts', "import './gone.ts'"), 1)
  })
})

describe('used', () => {
  const breaches = (manifest: Manifest, files: Record<string, string>, reasons = {}) =>
    checkUsed(project(files, { a: { name: '@x/a', ...manifest } }), reasons).map(({ message }) => message.split(':')[0])

  test('an import of any form uses a package, and its types', () => {
    const dependencies = { pg: '1.0.0', ws: '1.0.0', page: '1.0.0', lazy: '1.0.0' }
    const text =
      "import 'pg/lib/x.js'\nexport * from 'ws'\nawait import('lazy')\ncreateRequire(import.meta.url).resolve('page/x.css')"
    assert.deepEqual(
      breaches({ dependencies, devDependencies: { '@types/ws': '1.0.0', '@types/node': '1.0.0' } }, { 'a/x.ts': text }),
      [],
    )
  })
  test('one that nothing imports, or a neighbour alone, is too many', () => {
    const files = { 'a/x.ts': "const name = 'pg' // import 'pg'", 'b.ts': "import 'pg'" }
    assert.deepEqual(breaches({ dependencies: { pg: '1.0.0' } }, files), ['nothing here imports pg'])
    assert.deepEqual(breaches({ devDependencies: { '@types/pg': '1.0.0' } }, files), ['@types/pg'])
  })
  test('what only tests import is a development dependency', () => {
    const files = { 'a/x.test.ts': "import 'pg'" }
    assert.deepEqual(breaches({ dependencies: { pg: '1.0.0' } }, files), ['only tests import pg'])
    assert.deepEqual(breaches({ devDependencies: { pg: '1.0.0' } }, files), [])
  })
  test('a program may be named with its reason, as long as it is declared', () => {
    assert.deepEqual(breaches({ devDependencies: { buf: '1.0.0' } }, {}, { 'a:buf': 'a program' }), [])
    assert.deepEqual(breaches({}, {}, { 'a:buf': 'a program' }), ['a reason is given for a'])
  })
})

describe('citations', () => {
  const rules = '# Rules\n\n## 1. One\n\n## 2. Two\n'
  const cited = { 'a.ts': '/** Reliability rules 1\n * and 2. */', 'docs/decisions/0007-x.md': '# 0007' }
  const breaches = (files: Record<string, string>) =>
    checkCitations(project({ 'docs/rules.md': rules, ...cited, ...files })).map(({ path, line, message }) =>
      [path, line, message.split(':')[0]].filter((part) => part !== undefined).join(' '),
    )

  test('rules and decisions that are there may be cited anywhere', () => {
    assert.deepEqual(
      breaches({ 'b.ts': '// Rule 2, decision 0007\n', 'b.md': 'see [rule 1](decisions/0007-x.md)' }),
      [],
    )
  })
  test('a number that leads nowhere is found, in a comment over two lines too', () => {
    assert.deepEqual(
      breaches({
        'b.ts': '\n/**\n * As reliability rules 1, 2 and\n * 3 say, and rule\n * 4.\n */',
        'b.md': 'decision 0008',
      }),
      ['b.ts 3 rule 3 is not there', 'b.ts 4 rule 4 is not there', 'b.md 1 decision 0008 is not there'],
    )
  })
  test('every rule is cited by a source', () => {
    assert.deepEqual(breaches({ 'a.ts': '// rule 1', 'b.md': 'rule 2' }), ['docs/rules.md no source cites rule 2'])
  })
  test('rules count without a gap', () => {
    assert.deepEqual(breaches({ 'docs/rules.md': '## 1. One\n## 3. Three\n', 'a.ts': '// rules 1 and 3' }), [
      'docs/rules.md rule 3 is out of step',
    ])
  })
})

describe('rooms of the kit', () => {
  const room = 'platform/kit/src/http'
  const files = {
    [`${room}/server.ts`]:
      '/**\n * The edge.\n *\n * Read in this order: server.ts, json.ts (bodies),\n * deep/er.ts.\n */',
    [`${room}/json.ts`]: '',
    [`${room}/json.test.ts`]: '',
    [`${room}/deep/er.ts`]: '',
    'platform/kit/src/run.ts': '',
  }
  const breaches = (more: Record<string, string>) =>
    checkRooms(project({ ...files, ...more })).map(({ path, message }) => `${path} ${message}`)

  test('one comment lists every file, those of folders below too', () => assert.deepEqual(breaches({}), []))
  test('a file that is left out, and a name that leads nowhere', () => {
    assert.deepEqual(breaches({ [`${room}/new.ts`]: '' }), [`${room}/server.ts its reading order leaves out new.ts`])
    const order = '/** Read in this order: server.ts, json.ts, deep/er.ts, gone.ts. */'
    assert.deepEqual(breaches({ [`${room}/server.ts`]: order }), [
      `${room}/server.ts its reading order names gone.ts, which is not there`,
    ])
  })
  test('no order, and two', () => {
    assert.deepEqual(breaches({ 'platform/kit/src/grpc/a.ts': '/** A. */' }), [
      'platform/kit/src/grpc 0 opening comments say "Read in this order:", not one',
    ])
    assert.equal(breaches({ [`${room}/json.ts`]: '/** Read in this order: json.ts. */' }).length, 1)
  })
})

describe('dead files', () => {
  test('what an entry, an export, a script, a test or a file name reaches is alive; the rest is not', () => {
    const files = {
      'services/a/src/main.ts': "import './used.ts'",
      'services/a/src/used.ts': "start(join(import.meta.dirname, 'worker.ts'))",
      'services/a/src/worker.ts': '',
      'services/a/src/service.ts': '',
      'services/a/src/scripted.ts': '',
      'services/a/src/wild/one.ts': '',
      'services/a/src/named-from-above.ts': '',
      'services/a/test/a.test.ts': "import './fixture.ts'\nrun('src/named-from-above.ts')\nrunFixture('slow-start')",
      'services/a/test/fixtures/slow-start.ts': '',
      'services/a/test/fixtures/forgotten.ts': '',
      'services/a/test/fixture.ts': '',
      'services/a/src/dead.ts': "import './only-from-dead.ts'",
      'services/a/src/only-from-dead.ts': '',
      'contracts/generated/x.ts': '',
    }
    const manifest = {
      exports: { '.': './src/service.ts', './wild/*': './src/wild/*.ts' },
      scripts: { make: 'node src/scripted.ts --all' },
    }
    assert.deepEqual(at(checkDead(project(files, { 'services/a': manifest }))).sort(), [
      'services/a/src/dead.ts',
      'services/a/src/only-from-dead.ts',
      'services/a/test/fixtures/forgotten.ts',
    ])
  })
})

describe('single files', () => {
  test('only configuration files read the environment', () => {
    const files = {
      'services/a/src/config.ts': 'process.env.A',
      'services/a/test/a.test.ts': 'process.env.A',
      'services/a/src/http.ts': "\n// process.env in a comment\nconst a = process.env.A\nconst b = 'process.env'",
    }
    assert.deepEqual(at(checkEnvironment(project(files))), ['services/a/src/http.ts:3'])
  })

  test('a long file gives its reason in the opening comment', () => {
    const lines = 'x()\n'.repeat(500)
    const files = {
      'a.ts': lines,
      'b.ts': `x()\n${lines}`,
      'c.ts': `/** One table; long because it is one. */\n${lines}`,
      'd.ts': `x()\n${lines}// long because nobody reads down here\n`,
      'e/generated/f.ts': `x()\n${lines}`,
    }
    assert.deepEqual(at(checkLength(project(files))), ['b.ts', 'd.ts'])
  })
})

describe('functions', () => {
  const lines = (count: number) => '  step()\n'.repeat(count)
  const long = (signature: string) => `${signature} {\n${lines(59)}}\n`
  const found = (text: string) => checkFunctions(project({ 'a.ts': text }))

  for (const signature of [
    'function a()',
    'export async function a<T>(\n  one: T,\n): Promise<void>',
    'const a = async (one: string) =>',
    'const a = (\n  one: string,\n): void =>',
  ])
    test(`${JSON.stringify(signature)} fits a screen or is found`, () => {
      assert.deepEqual(at(found(long(signature))), ['a.ts:1'])
      assert.deepEqual(found(long(signature).replace(lines(59), lines(55))), [])
    })

  test('so does a method', () => {
    const method = `class A {\n  async #b(one: string): Promise<void> {\n${lines(59).replaceAll('  ', '    ')}  }\n}\n`
    assert.deepEqual(at(found(method)), ['a.ts:2'])
  })

  test('objects, conditions, classes and lists of tests may be longer', () => {
    for (const text of [
      `const a = {\n${lines(70)}}\n`,
      `if (a) {\n${lines(70)}}\n`,
      `class A {\n${lines(70)}}\n`,
      `describe('a', () => {\n${"  it('b', () => {})\n".repeat(70)}})\n`,
    ])
      assert.deepEqual(found(text), [])
  })
})

describe('versions', () => {
  const lock = (packages: Lock['packages']): Lock[] => [{ folder: '', packages }]

  test('ranges, tags and wildcards are not exact', () => {
    const dependencies = {
      a: '1.2.3',
      b: '1.2.3-beta.17',
      c: '^1.2.3',
      d: '~1.2.3',
      e: '2.*',
      f: 'latest',
      g: '>=1.0.0',
    }
    assert.equal(checkExact(project({}, { x: { dependencies } })).length, 5)
  })

  test('the lock file resolves to what is declared, nearest node_modules first', () => {
    const manifests = {
      '': { devDependencies: { a: '1.0.0' } },
      w: { name: '@x/w', version: '0.1.0', dependencies: { a: '2.0.0', '@x/v': '0.1.0' } },
      v: { name: '@x/v', version: '0.1.0', dependencies: { a: '3.0.0', gone: '1.0.0' } },
    }
    const packages = {
      '': {},
      w: { name: '@x/w', version: '0.1.0' },
      v: { name: '@x/v', version: '0.1.0' },
      'node_modules/a': { version: '1.0.0' },
      'w/node_modules/a': { version: '2.0.0' },
      'node_modules/@x/v': { link: true },
    }
    const findings = checkResolved(project({}, manifests, lock(packages)))
    assert.deepEqual(
      findings.map(({ path, message }) => `${path} ${message.split(':')[0]}`),
      [
        'v/package.json a 3.0.0 is 1.0.0 in package-lock.json',
        'v/package.json gone 1.0.0 is missing in package-lock.json',
      ],
    )
  })

  test('programs for other platforms must be in the lock file', () => {
    const tool = { version: '1.0.0', optionalDependencies: { 'tool-linux': '1.0.0', 'tool-darwin': '1.0.0' } }
    const incomplete = { 'node_modules/tool': tool, 'node_modules/tool-linux': { version: '1.0.0' } }
    assert.equal(checkPlatforms(project({}, {}, lock(incomplete))).length, 1)
    assert.deepEqual(
      checkPlatforms(project({}, {}, lock({ ...incomplete, 'node_modules/tool-darwin': { version: '1.0.0' } }))),
      [],
    )
  })

  test('what is downloaded has a hash', () => {
    const packages = {
      'node_modules/a': { version: '1.0.0', integrity: 'sha512-x' },
      'node_modules/b': { version: '1.0.0' },
      'node_modules/c': { link: true },
      'node_modules/a/node_modules/d': { version: '1.0.0', inBundle: true },
    }
    assert.equal(checkIntegrity(project({}, {}, lock(packages))).length, 1)
  })
})

describe('words', () => {
  const style = '| not | but |\n|---|---|\n| `(is\\|are) a plum` | an apple |\n| `сливы` | яблоки |\n'
  const found = (files: Record<string, string>) => at(checkWords(project({ 'STYLE.md': style, ...files })))

  test('a phrase of the table is found in pages, comments and strings, in any case', () => {
    assert.deepEqual(
      found({ 'a.md': 'x\n\nThis is a plum.\n', 'b.ts': "// They Are a plum\nconst c = 'it is a plum'\n" }),
      ['a.md:3', 'b.ts:1', 'b.ts:2'],
    )
  })

  test('also where a line ends within it', () => {
    assert.deepEqual(found({ 'b.ts': '/**\n * It is\n * a plum.\n */\n// or are a\n// plum\n' }), ['b.ts:2', 'b.ts:5'])
  })

  test('whole words only, in either alphabet', () => {
    assert.deepEqual(found({ 'a.md': 'this a plumber is a plumber; чернослив, сливы\n', 'b.md': 'сливы1\n' }), [
      'a.md:1',
    ])
  })

  test('the message says what to write', () => {
    const [finding] = checkWords(project({ 'STYLE.md': style, 'a.md': 'is a plum' }))
    assert.match(finding?.message ?? '', /"is a plum": write an apple/)
  })

  test('code spans, decisions and generated files are left alone', () => {
    assert.deepEqual(
      found({ 'a.md': '`is a plum`', 'docs/decisions/0001-a.md': 'is a plum', 'generated/a.ts': '// is a plum' }),
      [],
    )
  })

  test('a page of style without the table is a breach', () => {
    assert.deepEqual(at(checkWords(project({ 'STYLE.md': '# How we write\n', 'a.md': 'x' }))), ['STYLE.md'])
  })
})
