/** Whose mail a spam scanner is asked about: that of strangers, of everybody, or nobody's. */
import {
  option,
  pass,
  relayClient,
  type Findings,
  type ReadByAll,
  type Option,
  type Parsed,
  type Session,
  type Stages,
} from 'postern/plugin'
import type { Simcontrol } from '../simcontrol/simcontrol.ts'

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
export function isLookedAt(session: Session, asked: Asked, findings: Findings<ReadByAll>): boolean {
  if (asked !== 'strangers') return asked === 'on'
  return findings.get(relayClient) === undefined && session.user === undefined
}

/** Options of a spam scanner. */
export interface SpamScanned {
  readonly scan: Asked
  /** In bytes. */
  readonly max_size: number
}

/** For `unasked`: strangers' mail alone is looked at, as far as it is not too large, and for whom simcontrol says so. */
export function unaskedAboutSpam(control: Pick<Simcontrol, 'spares'>) {
  return (
    { transaction, message }: Pick<Stages['message']['event'], 'transaction' | 'message'>,
    {
      options,
      findings,
    }: { readonly options: SpamScanned; readonly findings: Findings<ReadByAll> },
  ): ReturnType<Simcontrol['spares']> => {
    if (!isLookedAt(transaction.session, options.scan, findings)) return pass()
    if (message.sizeBytes > options.max_size) return pass({ reason: 'SPAM_TOO_LARGE' })
    return control.spares('spam', transaction)
  }
}
