/** Reads a regular expression of RE2's language (https://github.com/google/re2/wiki/Syntax) into a tree. */

export type Assertion = 'start' | 'end' | 'edge of a word' | 'no edge of a word'

export type Node =
  | { readonly kind: 'empty' }
  | { readonly kind: 'one'; readonly fits: (code: number) => boolean }
  | { readonly kind: 'assert'; readonly assertion: Assertion }
  | { readonly kind: 'sequence' | 'either'; readonly of: readonly Node[] }
  | { readonly kind: 'group'; readonly of: Node; readonly number: number | undefined }
  | {
      readonly kind: 'repeat'
      readonly of: Node
      readonly least: number
      readonly most: number
      readonly isLazy: boolean
    }

/** As RE2 has it. */
const repetitionMax = 1_000
const depthMax = 100

/** Character classes by what follows the backslash: those of RE2 know ASCII alone. */
const escapedClasses: Readonly<Record<string, string>> = {
  d: '[0-9]',
  D: '[^0-9]',
  w: '[0-9A-Za-z_]',
  W: '[^0-9A-Za-z_]',
  s: '[\\t\\n\\f\\r\\x20]',
  S: '[^\\t\\n\\f\\r\\x20]',
}
const namedClasses: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7f',
  blank: '\\t\\x20',
  cntrl: '\\x00-\\x1f\\x7f',
  digit: '0-9',
  graph: '\\x21-\\x7e',
  lower: 'a-z',
  print: '\\x20-\\x7e',
  punct: '\\x21-\\x2f\\x3a-\\x40\\x5b-\\x60\\x7b-\\x7e',
  space: '\\t\\n\\v\\f\\r\\x20',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
}
const controls: Readonly<Record<string, number>> = { a: 7, f: 12, t: 9, n: 10, r: 13, v: 11 }
const assertions: Readonly<Record<string, Assertion>> = {
  A: 'start',
  z: 'end',
  b: 'edge of a word',
  B: 'no edge of a word',
}

/** @throws SyntaxError that says what isn't understood
 * @returns names of the groups by number; the first is the whole */
export function parsePattern(source: string): { readonly node: Node; readonly names: readonly (string | undefined)[] } {
  const parser = new PatternParser(source)
  return { node: parser.whole(), names: parser.names }
}

class PatternParser {
  readonly names: (string | undefined)[] = [undefined]
  readonly #source: string
  #at = 0
  #depth = 0
  #ignoresCase = false
  #dotIsAll = true

  constructor(source: string) {
    this.#source = source
  }

  whole(): Node {
    const node = this.#either()
    if (this.#at < this.#source.length) throw new SyntaxError('a ) without its (')
    return node
  }

  #passes(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false
    this.#at += text.length
    return true
  }

  /** What the form finds here. */
  #find(form: RegExp): RegExpExecArray | null {
    form.lastIndex = this.#at
    const found = form.exec(this.#source)
    if (found !== null) this.#at += found[0].length
    return found
  }

  #code(): number {
    const code = this.#source.codePointAt(this.#at)
    if (code === undefined) throw new SyntaxError('it ends too early')
    this.#at += code > 0xffff ? 2 : 1
    return code
  }

  #either(): Node {
    const of = [this.#sequence()]
    while (this.#passes('|')) of.push(this.#sequence())
    return of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'either', of }
  }

  #sequence(): Node {
    const of: Node[] = []
    while (this.#at < this.#source.length && !'|)'.includes(this.#source[this.#at] ?? '')) of.push(this.#repeated())
    return { kind: 'sequence', of }
  }

  #repeated(): Node {
    let of = this.#single()
    for (let times = this.#times(); times !== undefined; times = this.#times()) {
      const [least, most] = times
      if (least > repetitionMax || (most > repetitionMax && most !== Number.POSITIVE_INFINITY) || least > most)
        throw new SyntaxError(`a repetition may go to ${repetitionMax}`)
      if (of.kind === 'repeat') throw new SyntaxError('a repetition of a repetition')
      of = { kind: 'repeat', of, least, most, isLazy: this.#passes('?') }
    }
    return of
  }

  #times(): [number, number] | undefined {
    if (this.#passes('*')) return [0, Number.POSITIVE_INFINITY]
    if (this.#passes('+')) return [1, Number.POSITIVE_INFINITY]
    if (this.#passes('?')) return [0, 1]
    const found = this.#find(/\{(\d{1,9})(,?)(\d{0,9})\}/y)
    if (found === null) return undefined
    const [, least = '', comma, most = ''] = found
    return [Number(least), most !== '' ? Number(most) : comma === ',' ? Number.POSITIVE_INFINITY : Number(least)]
  }

  #single(): Node {
    if (this.#passes('(')) return this.#group()
    if (this.#passes('[')) return this.#one(this.#class())
    if (this.#passes('.')) return { kind: 'one', fits: this.#dotIsAll ? () => true : (code) => code !== 10 }
    if (this.#passes('^')) return { kind: 'assert', assertion: 'start' }
    if (this.#passes('$')) return { kind: 'assert', assertion: 'end' }
    if (this.#passes('\\')) return this.#escaped()
    if ('*+?'.includes(this.#source[this.#at] ?? '')) throw new SyntaxError('a repetition of nothing')
    return this.#literal(this.#code())
  }

  #literal(wanted: number): Node {
    return this.#ignoresCase ? this.#one(unicode(wanted)) : { kind: 'one', fits: (code) => code === wanted }
  }

  /** @param inner of a class in JavaScript's notation: one character can't be slow */
  #one(inner: string): Node {
    const form = new RegExp(`[${inner}]`, this.#ignoresCase ? 'vi' : 'v')
    const ascii = Uint8Array.from({ length: 128 }, (_, code) => (form.test(String.fromCodePoint(code)) ? 1 : 0))
    return { kind: 'one', fits: (code) => (code < 128 ? ascii[code] === 1 : form.test(String.fromCodePoint(code))) }
  }

  #group(): Node {
    this.#depth += 1
    if (this.#depth > depthMax) throw new SyntaxError(`groups nest deeper than ${depthMax}`)
    const [ignoresCase, dotIsAll] = [this.#ignoresCase, this.#dotIsAll]
    let number: number | undefined
    const flags = this.#find(/\?([is]*)(?:-([is]+))?([:)])/y)
    if (flags !== null) {
      this.#set(flags[1] ?? '', true)
      this.#set(flags[2] ?? '', false)
      this.#depth -= 1
      // They hold for the rest of the group that they are in.
      if (flags[3] === ')') return { kind: 'empty' }
      this.#depth += 1
    } else {
      const name = this.#find(/\?P?<([A-Za-z_]\w*)>/y)?.[1]
      if (name === undefined && this.#source[this.#at] === '?') throw new SyntaxError('this kind of group is not known')
      number = this.names.push(name) - 1
    }
    const of = this.#either()
    if (!this.#passes(')')) throw new SyntaxError('a ( without its )')
    this.#depth -= 1
    this.#ignoresCase = ignoresCase
    this.#dotIsAll = dotIsAll
    return { kind: 'group', of, number }
  }

  #set(flags: string, to: boolean): void {
    if (flags.includes('i')) this.#ignoresCase = to
    if (flags.includes('s')) this.#dotIsAll = to
  }

  #escaped(): Node {
    const next = this.#source[this.#at] ?? ''
    const assertion = assertions[next]
    if (assertion !== undefined) {
      this.#at += 1
      return { kind: 'assert', assertion }
    }
    const known = this.#escapedClass()
    return known === undefined ? this.#literal(this.#escapedCode()) : this.#one(known)
  }

  /** `\d`, `\pL`, `\p{Greek}`: in JavaScript's notation. */
  #escapedClass(): string | undefined {
    const [, short] = this.#find(/([dDwWsS])/y) ?? []
    if (short !== undefined) return escapedClasses[short]
    const [, sign = '', hat = '', long, letter] = this.#find(/([pP])(?:\{(\^?)(\w+)\}|([A-Z]))/y) ?? []
    const name = long ?? letter
    if (name === undefined) return undefined
    const isNegative = (sign === 'P') !== (hat === '^')
    for (const form of [name, `Script=${name}`])
      try {
        new RegExp(`\\p{${form}}`, 'v')
        return `\\${isNegative ? 'P' : 'p'}{${form}}`
      } catch {
        // The other form, or none.
      }
    throw new SyntaxError(`characters of the kind ${name} are not known`)
  }

  #escapedCode(): number {
    const [, two, more] = this.#find(/x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]{1,6})\})/y) ?? []
    const hex = two ?? more
    if (hex !== undefined) {
      const code = Number.parseInt(hex, 16)
      if (code > 0x10ffff) throw new SyntaxError('a character beyond Unicode')
      return code
    }
    const code = this.#code()
    const text = String.fromCodePoint(code)
    if (controls[text] !== undefined) return controls[text]
    if (/[0-9A-Za-z]/.test(text)) throw new SyntaxError(`\\${text} is not known`)
    return code
  }

  /** From behind its bracket to behind its end; its inside in JavaScript's notation. */
  #class(): string {
    const hat = this.#passes('^') ? '^' : ''
    let inner = ''
    for (let isFirst = true; isFirst || !this.#passes(']'); isFirst = false) {
      const [, not, name] = this.#find(/\[:(\^?)(\w+):\]/y) ?? []
      if (name !== undefined) {
        const named = namedClasses[name]
        if (named === undefined) throw new SyntaxError(`[:${name}:] is not known`)
        inner += `[${not}${named}]`
      } else inner += this.#range()
    }
    return `${hat}${inner}`
  }

  #range(): string {
    const known = this.#passes('\\') ? (this.#escapedClass() ?? this.#escapedCode()) : this.#code()
    if (typeof known === 'string') return known
    if (this.#source[this.#at] !== '-' || this.#source[this.#at + 1] === ']') return unicode(known)
    this.#at += 1
    const to = this.#passes('\\') ? this.#escapedCode() : this.#code()
    if (to < known) throw new SyntaxError('a range of characters that goes backwards')
    return `${unicode(known)}-${unicode(to)}`
  }
}

const unicode = (code: number): string => `\\u{${code.toString(16)}}`
