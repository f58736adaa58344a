/**
 * Writes the list of passwords that nobody may set, out of @zxcvbn-ts/language-common. That package isn't a dependency:
 * it brings 1.5 MB for the 170 kB that are used here, and its list changes once in years. To bring it up to date:
 *
 *   npm pack @zxcvbn-ts/language-common@<version> && tar xzf zxcvbn-ts-language-common-*.tgz
 *   node tools/bootstrap.mjs tools/common-passwords.ts package
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { limits } from '../contracts/primitives.ts'

const [folder] = process.argv.slice(2)
if (folder === undefined) throw new Error('say where the package was unpacked: tools/common-passwords.ts <folder>')
const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
const words = (JSON.parse(readFileSync(join(folder, 'src/passwords.json'), 'utf8')) as string[])
  .map((word) => word.toLowerCase())
  .filter((word) => word.length >= limits.passwordCharsMin && !/[\s`\\]|\$\{/.test(word))

const lines: string[] = []
for (const word of new Set(words)) {
  const last = lines.at(-1)
  if (last === undefined || last.length + word.length > 118) lines.push(word)
  else lines[lines.length - 1] = `${last} ${word}`
}

writeFileSync(
  new URL('../services/users/src/generated/common-passwords.ts', import.meta.url),
  `/**
 * The commonest passwords of ${limits.passwordCharsMin} characters and more, most common first. Made by tools/common-passwords.ts
 * from ${name} ${version} (${license}; the text of that licence is in LICENSE).
 * ${readFileSync(join(folder, 'LICENSE.txt'), 'utf8').trim().split('\n').slice(0, 2).join('\n * ')}
 */
export const commonPasswords = \`${lines.join('\n')}\`
`,
)
