/**
 * What an experienced operator would object to in the base, which is the chart with its own values: judged by kube-score,
 * found on the PATH or in ENGINES_HOME/bin.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { installed, withoutProgram } from '../../system/test/engines/engine.ts'
import { wantedFiles } from '../../tools/kubernetes.ts'

interface ScoredObject {
  readonly type_meta: { readonly kind: string }
  readonly object_meta: { readonly name: string }
  readonly checks: readonly {
    readonly check: { readonly id: string }
    readonly grade: number
    readonly skipped: boolean
  }[]
}

/** kube-score's grade of what it has nothing to say about. */
const gradeOk = 10

/** What kube-score objects to and we mean: check → of which objects, and why. */
const meant: Readonly<Record<string, { readonly of: RegExp; readonly because: string }>> = {
  'container-image-pull-policy': {
    of: /^(?:StatefulSet|Deployment|Job)\//,
    because: 'a tag is a version and never moves: a node that has the image starts it while the registry is away',
  },
  'statefulset-has-servicename': {
    of: /^StatefulSet\/gateway\//,
    because: 'its Service has an address, for the ingress; nobody looks for one gateway by the name of its Pod',
  },
  'deployment-replicas': {
    of: /^Deployment\/console\//,
    because: 'the sessions of those who look are in its memory; nothing of the system waits for it',
  },
}

/** Objections as `Kind/name/check`. */
function objections(manifests: string): string[] {
  const { stdout, stderr } = spawnSync(
    installed('kube-score') ?? '',
    ['score', '--output-format', 'json', '--kubernetes-version', 'v1.30', '-'],
    { encoding: 'utf8', input: manifests, maxBuffer: 64 * 1024 * 1024 },
  )
  assert.notEqual(stdout, '', stderr)
  return (JSON.parse(stdout) as ScoredObject[]).flatMap(({ type_meta, object_meta, checks }) =>
    checks
      .filter(({ grade, skipped }) => !skipped && grade < gradeOk)
      .map(({ check }) => `${type_meta.kind}/${object_meta.name}/${check.id}`),
  )
}

describe('kube-score', { skip: withoutProgram('kube-score') }, () => {
  const base = [...wantedFiles()].filter(([path]) => /^base\/(?!kustomization)/.test(path)).map(([, text]) => text)

  test('objects to nothing but what we mean', () => {
    const found = objections(base.join(''))
    const unmeant = found.filter(
      (each) => !Object.entries(meant).some(([check, { of }]) => each.endsWith(`/${check}`) && of.test(each)),
    )
    assert.deepEqual(unmeant, [])
    for (const [check, { of }] of Object.entries(meant))
      assert.ok(
        found.some((each) => each.endsWith(`/${check}`) && of.test(each)),
        `nothing is left to mean by ${check}`,
      )
  })

  test('objects to a process without bounds', () => {
    const unbounded = base.join('').replaceAll(/^ +ephemeral-storage: .*\n/gm, '')
    assert.ok(objections(unbounded).includes('StatefulSet/orders/container-ephemeral-storage-request-and-limit'))
  })
})
