/** What a listener has besides its address: limits, and by whom clients may come. */
import type { JsonValue } from '../mail/json.ts'
import { option } from '../plugin/option-makers.ts'
import type { Networks } from '../plugin/networks.ts'
import type { OptionShape, OptionValues } from '../plugin/option.ts'
import type { Path } from './document.ts'
import { isMap, type Reading } from './reading.ts'
import { optional } from '../plugin/optional.ts'

export interface ListenerExtras {
  /** From these every connection begins with a PROXY header. */
  readonly proxyNetworks?: Networks
  readonly networkBits?: { readonly ipv4: number; readonly ipv6: number }
  /** What clients beyond a limit are told, by limit. */
  readonly limitTexts?: LimitTexts
}

const shapes = {
  proxy_protocol: {
    networks: option.networks({
      description: 'From these every connection begins with a PROXY header',
    }),
  },
  network_prefix: {
    ipv4: option.integer({ default: 24, min: 1, max: 32 }),
    ipv6: option.integer({ default: 64, min: 1, max: 128 }),
  },
  /** qmail's DIEMSG, DIEMSG_MAXCONNIP, DIEMSG_MAXCONNC and DIEMSG_MAXLOAD. */
  limit_texts: {
    connections: optional(option.string({ maxLength: 400 })),
    address: optional(option.string({ maxLength: 400 })),
    network: optional(option.string({ maxLength: 400 })),
    load: optional(option.string({ maxLength: 400 })),
  },
} as const

type LimitTexts = OptionValues<typeof shapes.limit_texts>

/** Keys of a listener that are sections of their own. */
export const listenerExtraKeys: readonly string[] = Object.keys(shapes)

/** @param path the listener's */
export function readListenerExtras(reading: Reading, path: Path, item: JsonValue): ListenerExtras {
  const given = isMap(item) ? item : {}
  const section = <O extends OptionShape>(key: string, shape: O): OptionValues<O> | undefined => {
    const value = given[key]
    if (value === undefined || value === null) return undefined
    return reading.section([...path, key], shape, value)
  }
  const proxy = section('proxy_protocol', shapes.proxy_protocol)
  const prefix = section('network_prefix', shapes.network_prefix)
  const texts = section('limit_texts', shapes.limit_texts)
  if (texts !== undefined) checkTexts(reading, [...path, 'limit_texts'], texts)
  return {
    ...(proxy === undefined ? {} : { proxyNetworks: proxy.networks }),
    ...(prefix === undefined ? {} : { networkBits: prefix }),
    ...(texts === undefined ? {} : { limitTexts: texts }),
  }
}

function checkTexts(reading: Reading, path: Path, texts: LimitTexts): void {
  for (const [key, text] of Object.entries(texts)) {
    if (text === undefined) continue
    if (/^[245]\d\d(?: |$)/.test(text)) {
      const remedy = 'write the text alone: the reply code is always 421'
      reading.mistake([...path, key], 'begins with a reply code', remedy)
    } else if (!/^[\x20-\x7e]+$/.test(text)) {
      const remedy = 'write one line of ASCII, without control characters'
      reading.mistake([...path, key], 'is not what a reply may hold', remedy)
    }
  }
}
