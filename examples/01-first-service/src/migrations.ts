import type { Migration } from '@svyaz/kit'

export const migrations: readonly Migration[] = [
  {
    id: '0001-reviews',
    // A row for each product that a user received; stars, text and at stay empty until it is reviewed.
    sql: `
      CREATE TABLE reviews (
        user_id uuid, product_id text, orders integer NOT NULL,
        stars integer, text text, at timestamptz,
        PRIMARY KEY (user_id, product_id)
      );
      CREATE INDEX reviews_of_product ON reviews (product_id, at DESC) WHERE at IS NOT NULL;`,
  },
]
