/**
 * Whether the domain in From stands behind the message (RFC 9989), and what becomes of it where it does not: as the
 * domain wishes and the operator allows. It reports what it found to later entries, whatever it decides.
 */
import { definePlugin, finding, option, pass, relayClient, type Table } from 'postern/plugin'
import { arcResult } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { actions, carryOut, passingActions, type Action } from '../shared/mailauth/actions.ts'
import { spfResult } from '../spf/findings.ts'
import { authorDomains } from '../shared/mailauth/author.ts'
import { resultCounter } from '../shared/mailauth/count-results.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { loadDmarc } from './evaluate.ts'
import { dmarcResult, type DmarcFinding } from './findings.ts'
import { judge, unclear } from './judge.ts'

export const dmarc = definePlugin({
  name: 'dmarc',
  summary: 'Holds the domain in From against SPF and DKIM, and does what it wishes (DMARC).',
  defaults: { unless: { authenticated: true } },
  needs: [dkimResult],
  wants: [spfResult, arcResult],
  provides: [dmarcResult],
  options: {
    policy_reject: option.choice(actions, {
      default: 'reject',
      description: 'What becomes of mail that fails, where its domain wants it rejected.',
    }),
    policy_quarantine: option.choice(actions, {
      default: 'quarantine',
      description: 'Where its domain wants it quarantined.',
    }),
    policy_none: option.choice(actions, {
      default: 'none',
      description: 'Where its domain only wants to know.',
    }),
    no_policy: option.choice(actions, {
      default: 'none',
      description: 'Of mail whose domain publishes no policy.',
    }),
    unclear: option.choice(actions, {
      default: 'quarantine',
      description: 'Of mail with no author, several From fields, or one that cannot be read.',
    }),
    temperror: option.choice(passingActions, {
      default: 'none',
      description: 'Where the DNS does not answer.',
    }),
    unproven: option.choice(passingActions, {
      default: 'defer',
      description:
        'Of mail that fails, and might not if the DNS answered for a signature, for SPF or for a trusted sealer.',
    }),
    overrides: option.table({
      default: 'tables/dmarc',
      description: 'Author domains, `.example.org` for all below one, with the action instead.',
    }),
    trusted_sealers: option.strings({
      default: [],
      description:
        'ARC sealers by domain: who saw a message pass before it was changed is believed.',
    }),
    partly_signed: option.boolean({
      default: false,
      description: 'A signature that leaves the end of the body unsigned (`l=`) counts.',
    }),
    pct: option.boolean({
      default: true,
      description: '`pct` of RFC 7489 leaves its share of messages out of the policy.',
    }),
  },
  setup(_defaults, { dns, random, log, metrics }) {
    const count = resultCounter(metrics, 'DMARC')
    let loaded: ReturnType<typeof loadDmarc> | undefined
    return {
      probe: (signal) => probeDns(dns, signal),
      async open() {
        await (loaded ??= loadDmarc())
      },
      async message({ message }, { options, findings, signal }) {
        if (findings.get(relayClient) !== undefined) return pass()
        const authors = authorDomains(message.header.all('from'))
        const library = await (loaded ??= loadDmarc())
        const parts = { library, dns, signal, random, pct: options.pct }
        const trusted = new Set(options.trusted_sealers.map((each) => each.toLowerCase()))
        const belief = { partlySigned: options.partly_signed, trusted }
        const found = authors.readable
          ? await judge(authors.domains, { findings, belief }, parts)
          : unclear(authors.problem)
        count(found.result)
        const wished = actionFor(found, options)
        const override = await overriding(options.overrides, found.domain, signal)
        if (override !== undefined && !isAction(override)) {
          log.warn('dmarc.unknown-action', { domain: found.domain, action: override.slice(0, 40) })
        }
        const overridden =
          override !== undefined && isAction(override) && mayBeOverridden(found) ? override : wished
        const isStrict = overridden === 'quarantine' || overridden === 'reject'
        // What it comes to is not known yet; where it would come to nothing, nobody waits for it.
        const action = found.unproven !== undefined && isStrict ? options.unproven : overridden
        return carryOut(action, {
          tag: { field: 'X-Postern-DMARC', value: tagOf(found) },
          refusals: {
            reject: { status: '5.7.1', text: refusalText(found) },
            defer: { status: '4.4.3', text: deferralText(found) },
          },
          opinion: {
            reason: `DMARC_${found.result.toUpperCase()}`,
            evidence: { ...found, ...(override === undefined ? {} : { override }) },
            findings: [finding(dmarcResult, found)],
          },
        })
      },
    }
  },
})

interface Actions {
  readonly policy_reject: Action
  readonly policy_quarantine: Action
  readonly policy_none: Action
  readonly no_policy: Action
  readonly unclear: Action
  readonly temperror: Action
}

/** Of what is unproven: as if it had failed. */
function actionFor(found: DmarcFinding, wanted: Actions): Action {
  const { result, policy, rescuedBy, unproven } = found
  switch (unproven === undefined ? result : 'fail') {
    case 'pass':
      return 'none'
    case 'none':
      return wanted.no_policy
    case 'temperror':
      return wanted.temperror
    case 'permerror':
      return wanted.unclear
    case 'fail':
      if (rescuedBy !== undefined || policy === undefined || policy === 'none') {
        return rescuedBy === undefined ? wanted.policy_none : 'none'
      }
      return policy === 'reject' ? wanted.policy_reject : wanted.policy_quarantine
  }
}

/** What passes, or has been rescued, needs no exception. */
function mayBeOverridden({ result, rescuedBy, unproven }: DmarcFinding): boolean {
  if (result === 'none' || unproven !== undefined) return true
  return result === 'fail' && rescuedBy === undefined
}

async function overriding(
  table: Table,
  domain: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (!table.present || domain === '') return undefined
  const exact = await table.get(domain, signal)
  if (exact !== undefined) return exact
  for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
    const above = await table.get(domain.slice(dot), signal)
    if (above !== undefined) return above
  }
  return undefined
}

function isAction(word: string): word is (typeof actions)[number] {
  return actions.some((each) => each === word)
}

function tagOf({ result, policy, domain }: DmarcFinding): string {
  return [result, domain, policy === undefined ? '' : `policy=${policy}`].filter(Boolean).join(' ')
}

function deferralText({ unproven }: DmarcFinding): string {
  return unproven === undefined
    ? 'A DMARC policy cannot be looked up now'
    : 'What might prove who wrote this message cannot be looked up now'
}

function refusalText({ result, domain }: DmarcFinding): string {
  if (result === 'permerror') return 'The From field does not say who wrote this message'
  return result === 'none'
    ? `${domain} has no DMARC policy`
    : `Rejected by the DMARC policy of ${domain}`
}
