/** JSON from outside: UTF-8, of bounded depth, without a key that would reach into prototypes. */
import { jsonDepthMax, nestsTooDeep } from '@svyaz/listener'
import { Failure } from '../failure.ts'

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws Failure `invalid_json` naming what is wrong */
export const readJson = (bytes: Uint8Array): unknown => {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch (error) {
    throw new Failure('invalid_json', 'the body is not UTF-8', { cause: error })
  }
  if (nestsTooDeep(text))
    throw new Failure('invalid_json', `the body nests deeper than ${jsonDepthMax} arrays and objects`)
  try {
    return JSON.parse(text, refusePrototype)
  } catch (error) {
    throw new Failure('invalid_json', 'the body is not JSON', { cause: error })
  }
}

/** A key that would reach into prototypes is nobody's field. */
const refusePrototype = (key: string, value: unknown) => {
  if (key === '__proto__') throw new SyntaxError('__proto__ is not a field')
  return value
}
