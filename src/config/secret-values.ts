/**
 * Which values of postern.yaml nobody is shown: what a plugin declares secret, what the sections hold that opens something
 * elsewhere, and what looks like a secret. Each has a form for people, its mask; whoever hands a mask back means "as it is".
 */
import { isDeepStrictEqual } from 'node:util'
import { isSecretName, secretMask, withoutSecrets } from '../formats/secret-text.ts'
import type { JsonObject, JsonValue } from '../mail/json.ts'
import type { Option, OptionShape } from '../plugin/option.ts'

/** The options of a plugin by its name, where it is known. */
export type KnownPlugins = ReadonlyMap<string, OptionShape>

/** Where a value stands, as far as that tells whether it is secret. */
export interface ValuePlace {
  /** The keys above it and its own; items of lists have none. */
  readonly keys: readonly string[]
  /** Of the option that it belongs to, where it is one of an entry. */
  readonly option?: Pick<Option<unknown>, 'secret' | 'type'>
  /** Whether it belongs to the options of an entry. */
  readonly inOptions: boolean
}

/** A key of a DNS list's customer, as the first label of its zone. */
const customerKey = /(?<![\w-])(?=[a-z0-9]{0,62}\d)[a-z0-9]{20,63}(?=\.[a-z])/gi

/** @returns the form for people; the value itself where nothing of it is secret */
export function maskOf(value: string, { keys, option, inOptions }: ValuePlace): string {
  const key = keys.at(-1) ?? ''
  if (option?.secret === true) return maskOfSetting(value)
  const [section, name] = keys
  if (section === 'telemetry' && name === 'headers') return secretMask
  if (section === 'alerts' && name === 'webhook') return maskOfAddress(value)
  // The name of a file is no secret; of a plugin that is not known here, only the names speak.
  const isText = option === undefined || option.type === 'text' || option.type === 'list of texts'
  if (isText && isSecretName(key)) return secretMask
  const shown = withoutSecrets(value)
  return inOptions ? shown.replaceAll(customerKey, secretMask) : shown
}

/** `NAME=value` keeps its name. */
function maskOfSetting(value: string): string {
  const [, name] = /^(\w{1,64}=)/.exec(value) ?? []
  return value === '' ? '' : `${name ?? ''}${secretMask}`
}

/** Whoever knows the path may call it. */
function maskOfAddress(value: string): string {
  return URL.canParse(value) ? `${new URL(value).origin}/${secretMask}` : secretMask
}

/** The options of an entry as people see them. */
export function maskedOptions(options: JsonObject, shape: OptionShape | undefined): JsonObject {
  return Object.fromEntries(
    Object.entries(options).map(([key, value]) => [
      key,
      maskedValue(value, placeOf(key, shape?.[key])),
    ]),
  )
}

/** What was meant by options whose secrets are masks: where a mask is that of the value before, the value before. */
export function restoredOptions(
  given: JsonObject,
  before: JsonObject,
  shape: OptionShape | undefined,
): JsonObject {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [
      key,
      before[key] === undefined
        ? value
        : restoredValue(value, before[key], placeOf(key, shape?.[key])),
    ]),
  )
}

function placeOf(key: string, option: Option<unknown> | undefined): ValuePlace {
  return { keys: [key], inOptions: true, ...(option === undefined ? {} : { option }) }
}

function maskedValue(value: JsonValue, place: ValuePlace): JsonValue {
  if (typeof value === 'string') return maskOf(value, place)
  if (typeof value === 'number') return isHiddenNumber(value, place) ? secretMask : value
  if (isList(value)) return value.map((item) => maskedValue(item, place))
  if (!isMap(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, maskedValue(item, below(place, key))]),
  )
}

/** A password of digits. */
function isHiddenNumber(value: number, place: ValuePlace): boolean {
  return maskOf(String(value), place) === secretMask
}

function restoredValue(given: JsonValue, before: JsonValue, place: ValuePlace): JsonValue {
  if (isMap(given) && isMap(before)) {
    return Object.fromEntries(
      Object.entries(given).map(([key, item]) => [
        key,
        before[key] === undefined ? item : restoredValue(item, before[key], below(place, key)),
      ]),
    )
  }
  if (isList(given) && isList(before)) return restoredList(given, before, place)
  return isDeepStrictEqual(given, maskedValue(before, place)) ? before : given
}

/** Items may have come, gone and moved: each mask stands for the next item before that has it. */
function restoredList(
  given: readonly JsonValue[],
  before: readonly JsonValue[],
  place: ValuePlace,
): JsonValue {
  const left = before.map((item) => ({ item, mask: maskedValue(item, place) }))
  return given.map((item) => {
    const index = left.findIndex(({ mask }) => isDeepStrictEqual(mask, item))
    const [meant] = index < 0 ? [] : left.splice(index, 1)
    return meant?.item ?? item
  })
}

function below(place: ValuePlace, key: string): ValuePlace {
  return { ...place, keys: [...place.keys, key] }
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isMap(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
