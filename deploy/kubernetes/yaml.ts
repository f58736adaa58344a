/**
 * Values written as YAML in two ways: plain, for Kustomize, and as a Helm template, where some scalars and some parts are
 * expressions. With the chart's default values Helm prints what the plain form says. Pure.
 */

/** A scalar that a Helm template works out. */
class Expression {
  readonly template: string
  readonly plain: string | number
  constructor(template: string, plain: string | number) {
    this.template = template
    this.plain = plain
  }
}

/** Fields that are there only when a condition holds. */
class Conditional {
  readonly condition: string
  readonly plain: boolean
  readonly fields: Fields
  constructor(condition: string, plain: boolean, fields: Fields) {
    this.condition = condition
    this.plain = plain
    this.fields = fields
  }
}

export type Node = string | number | boolean | Expression | readonly Node[] | Fields

export interface Fields {
  readonly [name: string]: Node | Conditional
}

export type Form = 'plain' | 'helm'

/**
 * A string from the chart's values.
 * @param expression of Helm, such as `.Values.image.tag`
 * @param plain what it is without Helm: the chart's default
 */
export const text = (expression: string, plain: string): Expression => new Expression(`${expression} | quote`, plain)

/** As `text`, a whole number. */
export const whole = (expression: string, plain: number): Expression => new Expression(`int ${expression}`, plain)

/** Fields that Helm writes when the condition holds, and the plain form when `plain` says so. The key is free. */
export const when = (condition: string, plain: boolean, fields: Fields): Conditional =>
  new Conditional(condition, plain, fields)

/** @returns one YAML document, without its separator */
export function writeYaml(fields: Fields, form: Form): string {
  return `${lines(fields, form, '').join('\n')}\n`
}

function lines(fields: Fields, form: Form, indent: string): string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (!(value instanceof Conditional)) return field(name, value, form, indent)
    if (form === 'plain') return value.plain ? lines(value.fields, form, indent) : []
    return [`{{- if ${value.condition} }}`, ...lines(value.fields, form, indent), '{{- end }}']
  })
}

function field(name: string, value: Node, form: Form, indent: string): string[] {
  const start = `${indent}${key(name)}:`
  if (!isNested(value)) return [`${start} ${scalar(value, form)}`]
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${start} []`]
    return [start, ...value.flatMap((item) => listItem(item, form, `${indent}  `))]
  }
  const inner = value as Fields
  return Object.keys(inner).length === 0 ? [`${start} {}`] : [start, ...lines(inner, form, `${indent}  `)]
}

/** An item of fields begins with a field that is always there: the dash takes its place. */
function listItem(item: Node, form: Form, indent: string): string[] {
  if (!isNested(item)) return [`${indent}- ${scalar(item, form)}`]
  const [first = '', ...rest] = lines(item as Fields, form, `${indent}  `)
  return [`${indent}- ${first.trimStart()}`, ...rest]
}

const isNested = (value: Node): boolean => typeof value === 'object' && !(value instanceof Expression)

function scalar(value: Node, form: Form): string {
  if (value instanceof Expression) return form === 'helm' ? `{{ ${value.template} }}` : JSON.stringify(value.plain)
  return typeof value === 'string' && isPlain(value) ? value : JSON.stringify(value)
}

/** Words that no YAML reader takes for anything but themselves. */
const isPlain = (value: string): boolean =>
  /^[A-Za-z/][\w./-]*$/.test(value) && !/^(?:true|false|yes|no|on|off|null|y|n)$/i.test(value)

const key = (name: string): string => (/^[A-Za-z][\w./-]*$/.test(name) ? name : JSON.stringify(name))
