/** The section `quarantine`: how long held mail is kept, who is told of it, and the daily digests. */
import { parseMailbox, type Mailbox } from '../mail/address.ts'
import { asciiDomain } from '../mail/domain.ts'
import type { JsonObject } from '../mail/json.ts'
import { notifyChoices, type Notify } from '../mail/quarantine-notify.ts'
import { option } from '../plugin/option-makers.ts'
import { optional } from '../plugin/optional.ts'
import { isMap, type Reading } from './reading.ts'

/** Held mail; `digest` is read beside it. */
const quarantineShape = {
  max_age: optional(option.duration({ description: 'What is older is deleted' })),
  max_size: optional(option.size({ description: 'Beyond it the oldest is deleted' })),
  max_messages: optional(option.integer({ min: 1 })),
  notify: option.strings({ default: [], description: 'Who is told: sender, recips, admin …' }),
  admin: optional(option.string({ description: 'Left out: who gets double bounces' })),
  virus_entries: option.strings({ default: ['clamav'], description: 'Entries that hold viruses' }),
} as const

const quarantineDigestShape = {
  to: option.strings({
    default: ['*'],
    description: 'Addresses and domains; *: all that are ours',
  }),
  hour: option.integer({ default: 7, min: 0, max: 23, description: 'Not before, by local time' }),
  except: option.strings({
    default: ['clamav'],
    description: 'Entries whose messages are not listed: only an administrator lets them go',
  }),
  link_base: optional(
    option.string({
      description: 'Where links lead; left out: to admin.public_url, if there is one',
    }),
  ),
  link_lifetime: option.duration({ default: '7d' }),
  key_file: option.string({
    default: '../var/quarantine.key',
    description: 'Signs the links; made where there is none',
  }),
} as const

export interface QuarantineConfiguration {
  /** Absent: no limit. */
  readonly maxAgeMs?: number
  readonly maxBytes?: number
  readonly maxMessages?: number
  readonly notify: readonly Notify[]
  /** Absent: who gets double bounces. */
  readonly admin?: Mailbox
  readonly virusEntries: readonly string[]
  /** Absent: no digests. */
  readonly digest?: DigestConfiguration
}

export interface DigestConfiguration {
  /** Addresses and domains, in lower case; `*`: every recipient of ours. */
  readonly to: readonly string[]
  readonly hour: number
  readonly except: readonly string[]
  /** Absent: `admin.public_url` with /quarantine behind it; without that nobody serves links. */
  readonly linkBase?: string
  readonly linkLifetimeMs: number
  /** Absolute; made where there is none. */
  readonly keyFile: string
}

export function readQuarantine(
  reading: Reading,
  top: JsonObject,
  absolute: (path: string) => string,
): QuarantineConfiguration {
  const values = reading.sectionOrDefaults(top, 'quarantine', quarantineShape, ['digest'])
  const { max_age: maxAgeMs, max_size: maxBytes, max_messages: maxMessages } = values
  const admin = readAdmin(reading, values.admin)
  const digest = readDigest(reading, top['quarantine'], absolute)
  return {
    ...(maxAgeMs === undefined ? {} : { maxAgeMs }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(maxMessages === undefined ? {} : { maxMessages }),
    notify: readNotify(reading, values.notify),
    ...(admin === undefined ? {} : { admin }),
    virusEntries: values.virus_entries,
    ...(digest === undefined ? {} : { digest }),
  }
}

function readAdmin(reading: Reading, written: string | undefined): Mailbox | undefined {
  if (written === undefined) return undefined
  const mailbox = parseMailbox(written, { smtputf8: true })
  if (mailbox === undefined) {
    const remedy = 'write an address, such as postmaster@example.org'
    reading.mistake(['quarantine', 'admin'], `'${written}' is not an address`, remedy)
  }
  return mailbox
}

function readNotify(reading: Reading, written: readonly string[]): readonly Notify[] {
  return written.flatMap((word): readonly Notify[] => {
    if (word === 'all') return ['sender', 'recips', 'admin']
    if (word === 'none') return []
    const known = notifyChoices.find((each) => each === word)
    if (known !== undefined) return [known]
    const remedy = `there are: ${notifyChoices.join(', ')}, all, none`
    reading.mistake(['quarantine', 'notify'], `'${word}' is nobody who could be told`, remedy)
    return []
  })
}

function readDigest(
  reading: Reading,
  section: JsonObject[string] | undefined,
  absolute: (path: string) => string,
): DigestConfiguration | undefined {
  const given = isMap(section) ? section['digest'] : undefined
  if (given === undefined || given === null) return undefined
  const values = reading.section(['quarantine', 'digest'], quarantineDigestShape, given)
  if (values === undefined) return undefined
  const { to, hour, except, link_base: linkBase, link_lifetime, key_file } = values
  const isLink = linkBase === undefined || /^https?:\/\/[^\s<>"]+$/.test(linkBase)
  if (!isLink) {
    const remedy = 'write https://mail.example.org/quarantine'
    reading.mistake(['quarantine', 'digest', 'link_base'], `'${linkBase}' is no link`, remedy)
  }
  return {
    to: to.map((each) => readTo(reading, each)),
    hour,
    except,
    ...(linkBase === undefined ? {} : { linkBase }),
    linkLifetimeMs: link_lifetime,
    keyFile: absolute(key_file),
  }
}

function readTo(reading: Reading, written: string): string {
  const at = written.lastIndexOf('@')
  const fits = written === '*' || (at !== 0 && asciiDomain(written.slice(at + 1)) !== '')
  if (!fits) {
    const remedy = 'write an address, a domain, or "*" for every recipient of ours'
    reading.mistake(['quarantine', 'digest', 'to'], `'${written}' is no recipient`, remedy)
  }
  return written.toLowerCase()
}
