/** Whose mail a spam scanner is asked about: that of strangers, of everybody, or nobody's. */
import {
  option,
  relayClient,
  type Findings,
  type Option,
  type Parsed,
  type Session,
} from 'postern/plugin'

const choices = ['strangers', 'on', 'off'] as const
export type Asked = (typeof choices)[number]

/** Clients that may relay and logins are no strangers. The variable takes on and off, and 1 and 0. */
export function strangersOption(env?: string): Option<Asked> {
  const choice = option.choice(choices, {
    default: 'strangers',
    description:
      'Whose mail is looked at: on, everybody’s; off, nobody’s; strangers, not that of relay clients and logins.',
    ...(env === undefined ? {} : { env }),
  })
  return { ...choice, fromText: switched }
}

function switched(text: string): Parsed<string> {
  if (/^(?:1|yes|true)$/i.test(text)) return { ok: true, value: 'on' }
  if (/^(?:0|no|false)$/i.test(text)) return { ok: true, value: 'off' }
  return { ok: true, value: text.toLowerCase() }
}

/** @param findings in which relay clients are found */
export function isLookedAt(session: Session, asked: Asked, findings: Findings): boolean {
  if (asked !== 'strangers') return asked === 'on'
  return findings.get(relayClient) === undefined && session.user === undefined
}
