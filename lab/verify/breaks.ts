/**
 * Every judge against evidence of a real run (`recorded-evidence.json`, written by `svyaz verify --evidence`): as it was
 * recorded it holds; with one thing broken, as a broken part would break it, the judge says so. For tests only.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { Proof } from './proof.ts'
import { proofs } from './proofs.ts'

export type ProofId = keyof typeof proofs
type EvidenceOf<K extends ProofId> = (typeof proofs)[K] extends Proof<infer E> ? E : never
/** Evidence is read-only where it is judged; here it is broken. */
type Writable<T> = T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T

/** For each row what can break, by which words the judge must say so, and the damage. */
export type Breaks<Ids extends ProofId> = {
  readonly [K in Ids]: readonly (readonly [
    what: string,
    seen: RegExp,
    damage: (evidence: Writable<EvidenceOf<K>>) => void,
  ])[]
}

const recorded = JSON.parse(readFileSync(new URL('./recorded-evidence.json', import.meta.url), 'utf8')) as Record<
  string,
  unknown
>

/** Declares the tests of some rows. */
export function sees<Ids extends ProofId>(breaks: Breaks<Ids>): void {
  for (const id of Object.keys(breaks) as Ids[])
    describe(id, () => {
      const { judge } = proofs[id] as unknown as Proof<unknown>
      it('holds on what a real run gave', () => assert.deepEqual(judge(structuredClone(recorded[id])), []))
      for (const [what, seen, damage] of breaks[id])
        it(`turns when ${what}`, () => {
          const broken = structuredClone(recorded[id])
          ;(damage as (evidence: unknown) => void)(broken)
          const faults = judge(broken)
          assert.ok(
            faults.some((fault) => seen.test(fault)),
            `it says ${JSON.stringify(faults)}`,
          )
        })
    })
}

/**
 * Takes the calls of a gRPC method out of the evidence.
 * @param method `/GetOrder`: how its full name ends
 */
export const withoutHop = (evidence: { hops: { what?: string }[] }, method: string): void => {
  evidence.hops = evidence.hops.filter((hop) => hop.what?.endsWith(method) !== true)
}

/** The records of every other type. */
export const without = <T extends { type: string }>(records: T[], type: string): T[] =>
  records.filter((record) => record.type !== type)
