import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withoutFacades } from './builtins.ts'

test('every way of importing a built-in module becomes a look-up, and no line moves', () => {
  const output = [
    'banner;',
    'import{createServer,request as ask}from"node:http";import own from"./chunk.mjs";import all,{a as b}from\'fs\';',
    'var x=1;import*as whole from"node:net";import only from "node:path";import {x as y} from "left";import main,*as rest from"os"',
    'const text="import{x}from";',
  ].join('\n')
  assert.equal(
    withoutFacades(output, 'banner;'),
    [
      'banner;const{createServer,request:ask}=process.getBuiltinModule("node:http");' +
        'const all=process.getBuiltinModule("fs");const{a:b}=process.getBuiltinModule("fs");' +
        'const whole=process.getBuiltinModule("node:net");const only=process.getBuiltinModule("node:path");' +
        'const main=process.getBuiltinModule("os");const rest=process.getBuiltinModule("os");',
      'import own from"./chunk.mjs";',
      'var x=1;import {x as y} from "left";',
      'const text="import{x}from";',
    ].join('\n'),
  )
})
