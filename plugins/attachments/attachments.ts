/**
 * What may be attached to a message: rules of our own, Qmail-Scanner's quarantine-events.txt, simscan's simcontrol and ssattach.
 * Where readers of a message differ, a rule sees what each of them sees. Archives are looked into, in another thread.
 */
import { isDeepStrictEqual } from 'node:util'
import {
  controlList,
  definePlugin,
  finding,
  isMeant,
  option,
  parseQuarantineEvents,
  perRecipient,
  type ControlReading,
  type Finding,
  type QuarantineEvent,
} from 'postern/plugin'
import { followReading } from '../shared/followed-list/follow-reading.ts'
import {
  outcomeOption,
  verdictOn,
  type Complaint,
  type Outcome,
} from '../shared/outcome/outcome.ts'
import { Simcontrol, simcontrolOption } from '../shared/simcontrol/simcontrol.ts'
import type { ArchiveContents, ArchiveTask } from './archive.ts'
import { collect } from './collect.ts'
import { attachmentsFound, mimeAmbiguities } from './findings.ts'
import { executables, nameFor, rulesOption, type Rule } from './rules.ts'
import { unwantedBy, type Unwanted } from './simscan.ts'
import type { Collection } from './specimen.ts'

const usualRules = [
  `reject extension ${[...executables].join(' ')}`,
  'reject content exe elf macho lnk',
  'reject double-extension',
  'reject class-id',
  'reject mime-limit',
  'quarantine archive-limit',
  'tag type message/partial',
  'tag encrypted',
  'tag archive-broken',
  'tag archive-unread',
  'tag ambiguous',
]

export const attachments = definePlugin({
  name: 'attachments',
  summary: 'Judges attachments by name, type, content, size and digest, in archives too.',
  provides: [attachmentsFound, mimeAmbiguities],
  defaults: { timeoutMs: 30_000 },
  options: {
    rules: rulesOption(
      option.strings({
        default: usualRules,
        description:
          'One a line: an outcome, what it is about, what fits: reject extension exe scr',
      }),
    ),
    events: option.file({
      default: 'control/quarantine-events.txt',
      description: 'Qmail-Scanner’s, as text.',
    }),
    events_outcome: outcomeOption({ default: 'quarantine' }),
    simcontrol: simcontrolOption('simscan’s, as text: attach= and regex=.'),
    ssattach: option.file({
      default: 'control/ssattach',
      description: 'Ends of names, one a line.',
    }),
    simscan_outcome: outcomeOption({ default: 'reject' }),
  },
  setup({ events, simcontrol, ssattach }, { jobs, log }) {
    const eventList = followReading(events, parseQuarantineEvents, log)
    const control = new Simcontrol(simcontrol, log)
    const everybody = followReading(ssattach, parseEnds, log)
    const worker = new URL('./open-archive.worker.ts', import.meta.url)
    return {
      classOf: (recipient, transaction) =>
        control.classOf(recipient, transaction, ({ attach, regex }) => [attach, regex]),
      async message({ transaction, message }, { options, signal }) {
        const collection = await collect(message, await message.mime(signal), {
          digests: options.rules.some(({ digests }) => digests),
          signal,
          openArchive: (task) => jobs.run<ArchiveTask, ArchiveContents>(worker, task, signal),
        })
        const complaints = [
          ...options.rules.flatMap((rule) => byRule(rule, collection)),
          ...eventList.current.flatMap((event) =>
            byEvent(event, collection, options.events_outcome),
          ),
        ]
        const recipients = transaction.recipients.length
        const unwanted = await unwantedBy(
          { collection, message, recipients, signal },
          { control: control.forRecipients(transaction), everybody: everybody.current },
        )
        const findings = findingsOf(collection)
        const judge = (one: Unwanted | undefined) =>
          verdictOn([...complaints, ...bySimscan(one, options.simscan_outcome)], manner)
        if (unwanted.every((one) => isDeepStrictEqual(one, unwanted[0]))) {
          const one = [...complaints, ...bySimscan(unwanted[0], options.simscan_outcome)]
          return verdictOn(one, { ...manner, findings })
        }
        return perRecipient(unwanted.map(judge), { findings, reason: manner.reason })
      },
    }
  },
})

const manner = { reason: 'ATTACHMENT', field: 'X-Attachment-Policy' }

const reasons: ReadonlyMap<string, string> = new Map([
  ['ambiguous', 'MIME_AMBIGUOUS'],
  ['mime-limit', 'MIME_LIMIT'],
  ['archive-limit', 'ARCHIVE_LIMIT'],
])

function byRule({ text, outcome, find }: Rule, collection: Collection): readonly Complaint[] {
  const found = find(collection)
  if (found === undefined) return []
  const [, check = text] = text.trim().split(/\s+/)
  const reason = reasons.get(check)
  return [
    {
      check,
      outcome,
      detail: found,
      text: refusal(check, found),
      status: check === 'mime-limit' || check === 'ambiguous' ? '5.6.0' : '5.7.1',
      ...(reason === undefined ? {} : { reason }),
    },
  ]
}

function refusal(check: string, found: string): string {
  if (check === 'mime-limit') return 'The structure of the message is too large'
  if (check === 'ambiguous') return 'The structure of the message can be read in several ways'
  return `The message holds an attachment that is not accepted here: ${printable(found)}`
}

function byEvent(
  event: QuarantineEvent,
  collection: Collection,
  outcome: Outcome,
): readonly Complaint[] {
  const found = event.kind === 'file' ? fileOf(event, collection) : fieldOf(event, collection)
  if (found === undefined) return []
  const { description, line } = event
  const detail = `${description} (line ${line}): ${found}`
  const text = `The message is not accepted here: ${printable(description)}`
  return [{ check: 'event', reason: 'QUARANTINE_EVENT', outcome, detail, text, status: '5.7.1' }]
}

function fileOf(
  event: QuarantineEvent & { kind: 'file' },
  { specimens }: Collection,
): string | undefined {
  const found = specimens.find(({ names, sizeBytes }) =>
    names.some((name) => isMeant(event, name, sizeBytes)),
  )
  return found === undefined ? undefined : nameFor(found)
}

function fieldOf(
  event: QuarantineEvent & { kind: 'header' },
  collection: Collection,
): string | undefined {
  return collection
    .headers()
    .find(({ name, value }) => name === event.header && event.matches(value))?.value
}

/** In simscan's words. */
function bySimscan(unwanted: Unwanted | undefined, outcome: Outcome): readonly Complaint[] {
  if (unwanted === undefined) return []
  const [detail, because] =
    unwanted.kind === 'attachment'
      ? [unwanted.name, `contains a bad attachment: ${printable(unwanted.name)}`]
      : [unwanted.expression, `matches a filter (${printable(unwanted.expression)})`]
  const text = `Your email was rejected because it ${because}`
  return [{ check: 'simscan', outcome, detail, text, status: '5.7.1' }]
}

const mostFound = 50

function findingsOf({
  specimens,
  ambiguities,
}: Collection): readonly Finding<'attachments' | 'mime-ambiguities'>[] {
  const found = specimens
    .filter(({ names, within }) => names.length > 0 && within.length === 0)
    .slice(0, mostFound)
    .map(({ names, types, content, sizeBytes }) => ({
      names: names.slice(0, 4).map((name) => name.slice(0, 255)),
      type: types[0] ?? 'application/octet-stream',
      sizeBytes,
      ...(content === undefined ? {} : { content: content.type }),
    }))
  return [
    ...(found.length === 0 ? [] : [finding(attachmentsFound, found)]),
    ...(ambiguities.length === 0 ? [] : [finding(mimeAmbiguities, ambiguities)]),
  ]
}

/** A name comes from the network and goes back to it: what is not printable ASCII is `?`. */
function printable(text: string): string {
  return text.slice(0, 100).replace(/[^\x20-\x7e]/g, '?')
}

function parseEnds(bytes: Uint8Array | undefined): ControlReading<readonly string[]> {
  const value = controlList(bytes).map(({ text }) => text.toLowerCase())
  return { value, mistakes: [], doubts: [] }
}
