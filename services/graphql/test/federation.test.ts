/**
 * What the engine behind the graph must do: the rules of federation that the public audit suite is about
 * (https://github.com/graphql-hive/federation-gateway-audit), in cases of our own. Each counts the questions that
 * subgraphs get, since a right answer may be asked for wrongly.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Failure } from '@svyaz/kit'
import { graphOver, type Part } from './federated.ts'

const books: Part = {
  sdl: `
    type Query { book(id: ID!): Book  books: [Book!]! }
    type Book @key(fields: "id") { id: ID!  title: String!  author: Author }
    type Author @key(fields: "name") { name: String! }
  `,
  resolvers: {
    Query: {
      book: (_, { id }) => (id === 'none' ? null : { id, title: `title ${id}`, author: { name: `author of ${id}` } }),
      books: () => ['1', '2', '3'].map((id) => ({ id, title: `title ${id}`, author: { name: 'one author' } })),
    },
    Book: { __resolveReference: ({ id }) => ({ id, title: `title ${id}`, author: { name: `author of ${id}` } }) },
  },
}
const people: Part = {
  sdl: `type Author @key(fields: "name") { name: String!  born: Int  books: [Book!]! }
        type Book @key(fields: "id", resolvable: false) { id: ID! }`,
  resolvers: {
    Author: {
      __resolveReference: ({ name }) => (name === 'author of lost' ? null : { name, born: name.length }),
      books: () => [{ id: '7' }],
    },
  },
}
const prices: Part = {
  sdl: `type Query { cheapest: Book }
        type Book @key(fields: "id") { id: ID!  price(currency: String! = "EUR"): String }`,
  resolvers: {
    Query: { cheapest: () => ({ id: '9' }) },
    Book: {
      __resolveReference: ({ id }) => ({ id }),
      price: ({ id }, { currency }) => {
        if (id === '2') throw new Failure('not_found', 'book 2 has no price')
        return `${id} ${currency}`
      },
    },
  },
}

describe('entities', () => {
  const { ask, asked } = graphOver([books, people, prices])

  test('a field of another service is found by the key', async () => {
    const { data, errors } = await ask('{ book(id: "1") { title price author { born } } }')
    assert.equal(errors, undefined)
    assert.deepEqual(data, { book: { title: 'title 1', price: '1 EUR', author: { born: 11 } } })
    assert.deepEqual(
      asked()
        .map(({ name }) => name)
        .sort(),
      ['inventory', 'orders', 'users'],
    )
  })
  test('a list asks each service once, and for the same entity once', async () => {
    const { data } = await ask('{ books { id author { born } } }')
    assert.deepEqual((data as { books: unknown[] }).books.length, 3)
    const [, ofPeople, ...more] = asked()
    assert.deepEqual(more, [])
    const variables = ofPeople?.question.variables as { representations: unknown[] } | undefined
    assert.ok(variables !== undefined && variables.representations.length <= 3)
  })
  test('an entity that starts in the other service is completed from the first', async () => {
    const { data } = await ask('{ cheapest { id title price author { name born } } }')
    assert.deepEqual(data, {
      cheapest: { id: '9', title: 'title 9', price: '9 EUR', author: { name: 'author of 9', born: 11 } },
    })
    asked()
  })
  test('there and back again: a chain through three services', async () => {
    const { data } = await ask('{ book(id: "1") { author { books { title price author { born } } } } }')
    const expected = { title: 'title 7', price: '7 EUR', author: { born: 11 } }
    assert.deepEqual(data, { book: { author: { books: [expected] } } })
    asked()
  })
  test('what is not there is null without an error, and its entity is asked for nowhere', async () => {
    assert.deepEqual(await ask('{ book(id: "none") { title price author { born } } }'), { data: { book: null } })
    assert.equal(asked().length, 1)
    const lost = await ask('{ book(id: "lost") { title author { name born } } }')
    assert.deepEqual(lost.data, { book: { title: 'title lost', author: { name: 'author of lost', born: null } } })
    asked()
  })
  test('one field twice with other arguments, under aliases', async () => {
    const { data } = await ask('{ book(id: "1") { a: price b: price(currency: "CHF") t: title } }')
    assert.deepEqual(data, { book: { a: '1 EUR', b: '1 CHF', t: 'title 1' } })
    asked()
  })
  test('skip and include are decided before anybody is asked', async () => {
    const text =
      'query($yes: Boolean!) { book(id: "1") { title price @skip(if: $yes) author @include(if: $yes) { name } } }'
    const { data } = await ask(text, { yes: true } as never)
    assert.deepEqual(data, { book: { title: 'title 1', author: { name: 'author of 1' } } })
    assert.deepEqual(
      asked().map(({ name }) => name),
      ['users'],
    )
  })
  test('__typename costs nobody a question', async () => {
    const { data } = await ask('{ __typename book(id: "1") { __typename } }')
    assert.deepEqual(data, { __typename: 'Query', book: { __typename: 'Book' } })
    assert.equal(asked().length, 1)
  })
  test('fragments, named and inline', async () => {
    const { data } = await ask('{ book(id: "1") { ...B } } fragment B on Book { title ... on Book { price } }')
    assert.deepEqual(data, { book: { title: 'title 1', price: '1 EUR' } })
    asked()
  })
  test('what one of a list can not have is its own error, at its own place', async () => {
    const { data, errors } = await ask('{ books { id price } }')
    assert.deepEqual(data, {
      books: [
        { id: '1', price: '1 EUR' },
        { id: '2', price: null },
        { id: '3', price: '3 EUR' },
      ],
    })
    assert.deepEqual(
      errors?.map(({ path, extensions }) => [path, extensions?.code]),
      [[['books', 1, 'price'], 'not_found']],
    )
    asked()
  })
})

describe('a service that is away', () => {
  const away = { ...prices, fails: () => new Failure('unavailable', 'inventory is not reachable') }

  test('costs its fields, with code and place, and nothing else', async () => {
    const { ask } = graphOver([books, people, away])
    const { data, errors } = await ask('{ book(id: "1") { title price author { born } } }')
    assert.deepEqual(data, { book: { title: 'title 1', price: null, author: { born: 11 } } })
    assert.deepEqual(
      errors?.map(({ path, extensions }) => [path, extensions?.code]),
      [[['book', 'price'], 'unavailable']],
    )
    assert.ok(!JSON.stringify(errors).includes('stack') && !JSON.stringify(errors).includes('.ts'))
  })
  test('what is broken inside is said to nobody', async () => {
    const broken = { ...prices, fails: () => new Error('password of the database: hunter2') }
    const { ask } = graphOver([books, people, broken])
    const { errors } = await ask('{ book(id: "1") { price } }')
    assert.equal(errors?.[0]?.extensions?.code, 'internal')
    assert.ok(!JSON.stringify(errors).includes('hunter2'))
  })
  test('a non-null field that cannot be had takes its nearest nullable place with it', async () => {
    const strict: Part = {
      sdl: 'type Author @key(fields: "name") { name: String!  born: Int! }',
      resolvers: { Author: { __resolveReference: ({ name }) => ({ name }) } },
      fails: () => new Failure('unavailable', 'people are away'),
    }
    const { ask } = graphOver([books, strict])
    const { data, errors } = await ask('{ book(id: "1") { title author { name born } } }')
    assert.deepEqual(data, { book: { title: 'title 1', author: null } })
    assert.equal(errors?.[0]?.extensions?.code, 'unavailable')
  })
})

describe('rules of federation beyond keys', () => {
  test('requires: a field computed of what another service knows', async () => {
    const weights: Part = {
      sdl: `type Query { parcel(id: ID!): Parcel }
            type Parcel @key(fields: "id") { id: ID!  grams: Int!  size: Size! }
            type Size @shareable { litres: Int! }`,
      resolvers: {
        Query: { parcel: (_, { id }) => ({ id, grams: 500, size: { litres: 3 } }) },
        Parcel: { __resolveReference: ({ id }) => ({ id, grams: 500, size: { litres: 3 } }) },
      },
    }
    const postage: Part = {
      sdl: `type Parcel @key(fields: "id") {
              id: ID!  grams: Int! @external  size: Size! @external
              postage: Int! @requires(fields: "grams size { litres }")
            }
            type Size @shareable { litres: Int! }`,
      resolvers: {
        Parcel: {
          __resolveReference: (reference) => reference,
          postage: ({ grams, size }) => grams * size.litres,
        },
      },
    }
    const { ask, asked } = graphOver([weights, postage])
    assert.deepEqual(await ask('{ parcel(id: "1") { postage } }'), { data: { parcel: { postage: 1500 } } })
    assert.equal(asked().length, 2)
  })
  test('provides: what comes along is not asked for again', async () => {
    const reviews: Part = {
      sdl: `type Query { reviews: [Review!]! }
            type Review { id: ID!  by: Person! @provides(fields: "name") }
            type Person @key(fields: "id") { id: ID!  name: String! @external }`,
      resolvers: { Query: { reviews: () => [{ id: '1', by: { id: 'p', name: 'as reviewed' } }] } },
    }
    const persons: Part = {
      sdl: 'type Person @key(fields: "id") { id: ID!  name: String! @shareable  city: String! }',
      resolvers: { Person: { __resolveReference: ({ id }) => ({ id, name: 'as registered', city: 'Oslo' }) } },
    }
    const { ask, asked } = graphOver([reviews, persons])
    assert.deepEqual(await ask('{ reviews { by { name } } }'), { data: { reviews: [{ by: { name: 'as reviewed' } }] } })
    assert.equal(asked().length, 1)
    const { data } = await ask('{ reviews { by { city } } }')
    assert.deepEqual(data, { reviews: [{ by: { city: 'Oslo' } }] })
  })
  test('keys of several fields, and another key in each service', async () => {
    const stock: Part = {
      sdl: `type Query { items: [Item!]! }
            type Item @key(fields: "sku shop { id }") @key(fields: "ean") { sku: String!  shop: Shop!  ean: String! }
            type Shop @shareable { id: ID! }`,
      resolvers: { Query: { items: () => [{ sku: 's', shop: { id: '1' }, ean: 'e' }] } },
    }
    const labels: Part = {
      sdl: 'type Item @key(fields: "ean") { ean: String!  label: String! }',
      resolvers: { Item: { __resolveReference: ({ ean }) => ({ ean, label: `label ${ean}` }) } },
    }
    const shelves: Part = {
      sdl: `type Item @key(fields: "sku shop { id }") { sku: String!  shop: Shop!  shelf: String! }
            type Shop @shareable { id: ID! }`,
      resolvers: {
        Item: { __resolveReference: ({ sku, shop }) => ({ sku, shop, shelf: `${sku} in ${shop.id}` }) },
      },
    }
    const { ask } = graphOver([stock, labels, shelves])
    assert.deepEqual(await ask('{ items { label shelf } }'), {
      data: { items: [{ label: 'label e', shelf: 's in 1' }] },
    })
  })
  test('interfaces and unions whose members live in different services', async () => {
    const media: Part = {
      sdl: `type Query { media: [Media!]!  found: [Found!]! }
            interface Media { id: ID! }
            type Film implements Media @key(fields: "id") { id: ID!  minutes: Int! }
            type Song implements Media @key(fields: "id") { id: ID! }
            union Found = Film | Song`,
      resolvers: {
        Query: {
          media: () => [
            { __typename: 'Film', id: 'f', minutes: 90 },
            { __typename: 'Song', id: 's' },
          ],
          found: () => [{ __typename: 'Song', id: 's' }],
        },
      },
    }
    const singers: Part = {
      sdl: 'type Song @key(fields: "id") { id: ID!  singer: String! }',
      resolvers: { Song: { __resolveReference: ({ id }) => ({ id, singer: `singer of ${id}` }) } },
    }
    const { ask } = graphOver([media, singers])
    const text =
      '{ media { __typename id ... on Film { minutes } ... on Song { singer } } found { ... on Song { singer } } }'
    assert.deepEqual(await ask(text), {
      data: {
        media: [
          { __typename: 'Film', id: 'f', minutes: 90 },
          { __typename: 'Song', id: 's', singer: 'singer of s' },
        ],
        found: [{ singer: 'singer of s' }],
      },
    })
  })
  test('override: the field is asked of the service that took it over', async () => {
    const old: Part = {
      sdl: 'type Query { thing: Thing } type Thing @key(fields: "id") { id: ID!  size: String! }',
      resolvers: { Query: { thing: () => ({ id: '1', size: 'old' }) } },
    }
    const fresh: Part = {
      sdl: 'type Thing @key(fields: "id") { id: ID!  size: String! @override(from: "users") }',
      resolvers: { Thing: { __resolveReference: ({ id }) => ({ id, size: 'new' }) } },
    }
    const { ask } = graphOver([old, fresh])
    assert.deepEqual(await ask('{ thing { size } }'), { data: { thing: { size: 'new' } } })
  })
  test('what is inaccessible is not there for clients', async () => {
    const secret: Part = {
      sdl: 'type Query { thing: Thing } type Thing { id: ID!  cost: Int @inaccessible }',
      resolvers: { Query: { thing: () => ({ id: '1', cost: 5 }) } },
    }
    const { ask } = graphOver([secret])
    const { data, errors } = await ask('{ thing { id cost } }')
    assert.equal(data, undefined)
    assert.equal(errors?.[0]?.extensions?.code, 'invalid_request')
  })
})
