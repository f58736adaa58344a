/** Numbers, money and times as people read them. Pure. */
import type { Language } from './preferences.ts'

const units = {
  en: { us: 'µs', ms: 'ms', s: 's', min: 'min', h: 'h', d: 'd' },
  ru: { us: 'мкс', ms: 'мс', s: 'с', min: 'мин', h: 'ч', d: 'д' },
} as const

/** 0.4 ms, 12 ms, 1.24 s, 3 min 5 s: three figures at most. */
export function duration(ms: number, language: Language): string {
  const unit = units[language]
  const number = (value: number, digits: number) =>
    value.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })
  if (ms < 1) return `${number(Math.max(0, ms), 1)} ${unit.ms}`
  if (ms < 999.5) return `${Math.round(ms)} ${unit.ms}`
  if (ms < 9_995) return `${number(ms / 1_000, 2)} ${unit.s}`
  if (ms < 59_500) return `${number(ms / 1_000, 1)} ${unit.s}`
  return age(ms, language)
}

/** 812 µs, 1.24 ms, 62 ms, 1.24 s: as exact as three figures are. */
export function micros(value: number, language: Language): string {
  const unit = units[language]
  if (value < 1_000) return `${Math.round(value)} ${unit.us}`
  const [scaled, name] = value < 999_500 ? [value / 1_000, unit.ms] : [value / 1_000_000, unit.s]
  const digits = scaled < 9.995 ? 2 : scaled < 99.95 ? 1 : 0
  return `${scaled.toLocaleString(language, { minimumFractionDigits: digits, maximumFractionDigits: digits })} ${name}`
}

/** 812 B, 14 kB, 1.2 MB: powers of a thousand. */
export function bytes(value: number, language: Language): string {
  const names = language === 'ru' ? ['Б', 'кБ', 'МБ', 'ГБ'] : ['B', 'kB', 'MB', 'GB']
  const power = Math.min(names.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, value)) / 3)))
  const scaled = value / 1_000 ** power
  const digits = power > 0 && scaled < 9.95 ? 1 : 0
  return `${scaled.toLocaleString(language, { maximumFractionDigits: digits })} ${names[power]}`
}

/** A whole number as the language writes it. */
export const count = (value: number, language: Language): string => Math.round(value).toLocaleString(language)

/** 0.02, 0.4, 3.1, 27, 1,240: two figures, all of a whole number. */
export const decimal = (value: number, language: Language): string =>
  value.toLocaleString(language, value >= 9.95 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 2 })

/** Whole units only: how long something has been there. */
export function age(ms: number, language: Language): string {
  const unit = units[language]
  const seconds = Math.max(0, Math.floor(ms / 1_000))
  if (seconds < 60) return `${seconds} ${unit.s}`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60)
    return seconds % 60 === 0 || minutes >= 10
      ? `${minutes} ${unit.min}`
      : `${minutes} ${unit.min} ${seconds % 60} ${unit.s}`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} ${unit.h}` : `${hours} ${unit.h} ${minutes % 60} ${unit.min}`
  return `${Math.floor(hours / 24)} ${unit.d}`
}

/** An amount with its currency, as the language writes it. */
export const money = (
  { amountMinor, currency }: { amountMinor: number; currency: string },
  language: Language,
): string => (amountMinor / 100).toLocaleString(language, { style: 'currency', currency })

/**
 * The time of day to the second, 24 hours.
 * @param at RFC 3339
 */
export const clock = (at: string, language: Language): string =>
  new Date(at).toLocaleTimeString(language, { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
