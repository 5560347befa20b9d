/**
 * Whether the domain in From stands behind the message (RFC 9989), and what becomes of it where it does not: as the
 * domain wishes and the operator allows. It reports what it found to later entries, whatever it decides.
 */
import {
  definePlugin,
  finding,
  option,
  pass,
  relayClient,
  type Findings,
  type Table,
} from 'postern/plugin'
import { arcResult } from '../arc/findings.ts'
import { dkimResult } from '../dkim/findings.ts'
import { actions, carryOut, passingActions, type Action } from '../shared/mailauth/actions.ts'
import { spfResult } from '../spf/findings.ts'
import { authorDomains } from '../shared/mailauth/author.ts'
import { resultCounter } from '../shared/mailauth/count-results.ts'
import { probeDns } from '../shared/dns-probe/probe-dns.ts'
import { evaluateDmarc, loadDmarc, type DmarcAnswer, type DmarcParts } from './evaluate.ts'
import { dmarcResult, type DmarcFinding } from './findings.ts'
import { rescuer } from './rescue.ts'

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
        const evaluated = authors.readable
          ? await strictest(authors.domains, identities(findings, options.partly_signed), parts)
          : unclear(authors.problem)
        const trusted = new Set(options.trusted_sealers.map((each) => each.toLowerCase()))
        const found = rescued(evaluated, findings, trusted)
        count(found.result)
        const wished = actionFor(found, options)
        const override = await overriding(options.overrides, found.domain, signal)
        if (override !== undefined && !isAction(override)) {
          log.warn('dmarc.unknown-action', { domain: found.domain, action: override.slice(0, 40) })
        }
        const action = override !== undefined && isAction(override) ? override : wished
        return carryOut(mayBeOverridden(found) ? action : wished, {
          tag: { field: 'X-Postern-DMARC', value: tagOf(found) },
          refusals: {
            reject: { status: '5.7.1', text: refusalText(found) },
            defer: { status: '4.4.3', text: 'A DMARC policy cannot be looked up now' },
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

interface Identities {
  readonly spfDomain: string | undefined
  readonly dkimDomains: readonly string[]
}

/** Who stands behind the message, as far as it is proven. */
function identities(findings: Findings<'spf' | 'dkim'>, partlySigned: boolean): Identities {
  const spf = findings.get(spfResult)
  const signatures = findings.get(dkimResult)?.signatures ?? []
  return {
    spfDomain: spf?.result === 'pass' ? spf.domain : undefined,
    dkimDomains: signatures
      .filter(({ result }) => result === 'pass')
      .filter(({ bodyLimit }) => partlySigned || (bodyLimit?.unsignedBytes ?? 0) === 0)
      .map(({ domain }) => domain),
  }
}

/** Of several authors each has a say: a reader may be shown any of them (RFC 7489 §6.6.1). */
async function strictest(
  domains: readonly string[],
  proven: Identities,
  parts: DmarcParts,
): Promise<DmarcFinding> {
  let worst: DmarcAnswer | undefined
  for (const domain of domains) {
    const answer = await evaluateDmarc({ domain, ...proven }, parts)
    if (worst === undefined || severity(answer) > severity(worst)) worst = answer
  }
  return worst ?? unclear('there is no author')
}

function severity({ result, policy }: DmarcAnswer): number {
  if (result === 'pass') return 0
  if (result === 'none') return 1
  if (result === 'temperror') return 2
  return 3 + ['none', 'quarantine', 'reject'].indexOf(policy ?? 'none')
}

function unclear(problem: string): DmarcFinding {
  return { result: 'permerror', domain: '', problem }
}

function rescued(
  found: DmarcFinding,
  findings: Findings<'arc'>,
  trusted: ReadonlySet<string>,
): DmarcFinding {
  const chain = findings.get(arcResult)
  if (found.result !== 'fail' || chain === undefined) return found
  const by = rescuer(chain, found.domain, trusted)
  return by === undefined ? found : { ...found, rescuedBy: by }
}

interface Actions {
  readonly policy_reject: Action
  readonly policy_quarantine: Action
  readonly policy_none: Action
  readonly no_policy: Action
  readonly unclear: Action
  readonly temperror: Action
}

function actionFor({ result, policy, rescuedBy }: DmarcFinding, wanted: Actions): Action {
  switch (result) {
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
function mayBeOverridden({ result, rescuedBy }: DmarcFinding): boolean {
  return (result === 'fail' && rescuedBy === undefined) || result === 'none'
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

function refusalText({ result, domain }: DmarcFinding): string {
  if (result === 'permerror') return 'The From field does not say who wrote this message'
  return result === 'none'
    ? `${domain} has no DMARC policy`
    : `Rejected by the DMARC policy of ${domain}`
}
