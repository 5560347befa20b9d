/** What the programs in front of qmail-smtpd, and its variables, say of one port: entries of the chain. */
import { optionOf, programOf, type ServiceProgram } from '../../formats/run-script/service-line.ts'
import type { JsonValue } from '../../mail/json.ts'
import { authEntries } from './auth-entries.ts'
import { entry, type EntriesRequest } from './chain-entry.ts'
import type { WrittenEntry } from './written-config.ts'

/** In the order of the sample configuration. */
export function smtpEntries(request: EntriesRequest): readonly WrittenEntry[] {
  const { hasControl } = request
  const dialect = isJms(request) ? 'jms' : 'qmail'
  const badFiles = (name: string): string =>
    `control/${name}${dialect === 'jms' ? ', expressions as JMS has them' : ''}`
  return [
    entry('relay-clients', 'RELAYCLIENT in tcp.smtp'),
    entry('rcpthosts', 'control/rcpthosts, control/morercpthosts.cdb'),
    ...authEntries(request),
    ...earlyTalker(request),
    ...dnsLists(request),
    ...(dialect === 'jms' ? [entry('badhelo', 'control/badhelo')] : []),
    entry('badmailfrom', badFiles('badmailfrom'), { dialect }),
    ...senderChecks(request),
    ...(request.variables.isOn('RELAYREJ') ? [entry('relayrej', 'RELAYREJ=1')] : []),
    ...(hasControl('percenthack') ? [entry('percenthack', 'control/percenthack')] : []),
    entry('badrcptto', badFiles('badrcptto'), { dialect }),
    ...recipientChecks(request),
    ...greylist(request),
    ...(hasControl('taps') || request.variables.text('QUEUE_EXTRA') !== undefined
      ? [entry('taps', 'control/taps, QUEUE_EXTRA', { extra: extraOf(request) })]
      : []),
  ]
}

function extraOf({ variables }: EntriesRequest): JsonValue | undefined {
  const extra = variables.text('QUEUE_EXTRA')
  return extra === undefined ? undefined : [extra]
}

/** The combined patch shows by its variables and files. */
function isJms({ service, hasControl }: EntriesRequest): boolean {
  const marks = ['AUTH_CDB', 'DROP_PRE_GREET', 'MAXRCPT', 'MFCHECK', 'RELAYREJ', 'SPFBEHAVIOR']
  const files = ['badhelo', 'badmailfromnorelay', 'badrcpttonorelay', 'mfcheck', 'maxrcpt']
  return marks.some((name) => service.line.environment.has(name)) || files.some(hasControl)
}

/** By qmail-smtpd itself, or by a program in front of it, which refuses whoever does not wait. */
function earlyTalker(request: EntriesRequest): readonly WrittenEntry[] {
  const { service, variables, findings } = request
  const program = programOf(service.line, 'greetdelay')
  const delay = Number(program?.args[0] ?? variables.number('GREETDELAY') ?? 0)
  const drops = variables.isOn('DROP_PRE_GREET') || (program !== undefined && delay > 0)
  if (delay === 0 && !drops) return earlyTalkerByRule(request, program !== undefined)
  const from =
    program === undefined
      ? `GREETDELAY=${delay}, DROP_PRE_GREET=${drops ? 1 : 0}`
      : ['greetdelay', ...program.args].join(' ')
  if (program !== undefined) {
    const remark = 'clients that may relay wait too, unless a condition says otherwise'
    findings.difference(from, service.source, { to: 'early-talker', remark })
  }
  return [entry('early-talker', from, { delay: `${Math.min(delay, 60)}s`, refuse: drops })]
}

/** Nobody waits unless a rule says so. */
function earlyTalkerByRule(
  { service, findings, setByRule }: EntriesRequest,
  hasProgram: boolean,
): readonly WrittenEntry[] {
  const names = ['GREETDELAY', 'DROP_PRE_GREET'].filter(setByRule)
  if (names.length > 0) {
    const from = `${names.join(', ')} in tcp.smtp`
    return [entry('early-talker', from, { delay: '0s', refuse: hasProgram })]
  }
  if (hasProgram) {
    const remark = 'no delay is set, so it does nothing'
    findings.difference('greetdelay', service.source, { remark })
  }
  return []
}

/** rblsmtpd, perhaps several of them; a flag holds for the lists behind it. */
function dnsLists(request: EntriesRequest): readonly WrittenEntry[] {
  const { service, variables, findings, setByRule } = request
  const programs = service.line.programs.filter(({ name }) => name === 'rblsmtpd')
  const override = variables.text('RBLSMTPD')
  const lists: string[] = []
  const allow: string[] = []
  const kinds = new Set<'reject' | 'defer'>()
  const faults = new Set<'pass' | 'defer'>()
  for (const program of programs) readLists(program, { lists, allow, kinds, faults })
  const said = programs.map(({ options }) =>
    options.map(({ letter, value }) => `-${letter}${value === '' ? '' : ` ${value}`}`).join(' '),
  )
  const from = `rblsmtpd ${said.join('; ')}`.trim()
  const { source } = service
  if (programs.length === 0) return []
  const seconds = optionOf(programs[0], 't') ?? '60'
  const keys = seconds === '0' ? { refuse_at: 'now' } : {}
  if (lists.length === 0) {
    const remark = 'it asks a list that no longer exists, or only lets clients in'
    findings.unsupported(`${from} without -r`, source, remark)
    // Without any list RBLSMTPD still decides: clients that it refused must not get in.
    return override === undefined && !setByRule('RBLSMTPD')
      ? []
      : [entry('dnsbl', 'RBLSMTPD', { lists: [], override }, keys)]
  }
  if (kinds.size > 1) {
    const remark = 'some lists refuse for good (-b), some for now: all of them refuse for now here'
    findings.difference('rblsmtpd -b', source, { to: 'dnsbl: refuse', remark })
  }
  if (faults.size > 1) {
    const remark =
      'some lists that do not answer defer everybody (-c), some do not: all of them do here'
    findings.difference('rblsmtpd -c', source, { to: 'dnsbl: on_fault', remark })
  }
  const isClosed = faults.has('defer')
  const tested = isClosed ? '' : ', and a list must answer its test entries'
  const remark = `only answers in 127.0.0.0/8 count${tested}`
  findings.difference(from, source, { to: 'dnsbl', remark })
  return [
    entry(
      'dnsbl',
      from,
      {
        lists,
        allow: allow.length === 0 ? undefined : allow,
        refuse: kinds.size === 1 && kinds.has('reject') ? 'reject' : 'defer',
        // A list without test entries, which rblsmtpd never asked for, would keep everybody out.
        self_test: isClosed ? false : undefined,
        override,
      },
      isClosed ? { on_fault: 'defer', ...keys } : keys,
    ),
  ]
}

function readLists(
  { options }: ServiceProgram,
  found: {
    readonly lists: string[]
    readonly allow: string[]
    readonly kinds: Set<'reject' | 'defer'>
    readonly faults: Set<'pass' | 'defer'>
  },
): void {
  let kind: 'reject' | 'defer' = 'defer'
  let fault: 'pass' | 'defer' = 'pass'
  for (const { letter, value } of options) {
    if (letter === 'b' || letter === 'B') kind = letter === 'b' ? 'reject' : 'defer'
    else if (letter === 'c' || letter === 'C') fault = letter === 'c' ? 'defer' : 'pass'
    else if (letter === 'a') found.allow.push(value)
    else if (letter === 'r') {
      const [base = '', ...text] = value.split(':')
      found.kinds.add(kind)
      found.faults.add(fault)
      found.lists.push(text.length === 0 ? base : `${base} ${text.join(':')}`)
    }
  }
}

function senderChecks({
  variables,
  hasControl,
  findings,
  service,
  setByRule,
}: EntriesRequest): readonly WrittenEntry[] {
  const mfcheck = variables.number('MFCHECK')
  const spf = variables.number('SPFBEHAVIOR')
  const level = (name: string, value: number | undefined, most: number) => {
    if (value !== undefined)
      return { from: `${name}=${value}`, level: String(Math.min(value, most)) }
    const file = name === 'MFCHECK' ? 'mfcheck' : 'spfbehavior'
    if (hasControl(file)) return { from: `control/${file}`, level: 'control' }
    return setByRule(name) ? { from: `${name} in tcp.smtp`, level: '0' } : undefined
  }
  const byMfcheck = level('MFCHECK', mfcheck, 3)
  const bySpf = level('SPFBEHAVIOR', spf, 6)
  const plusAll = variables.text('SPF_BLOCK_PLUS_ALL')
  if (bySpf !== undefined) {
    findings.difference(bySpf.from, service.source, {
      to: 'spf',
      remark: 'by RFC 7208, with its limits on DNS questions',
    })
  }
  return [
    ...(byMfcheck === undefined
      ? []
      : [entry('mfcheck', byMfcheck.from, { level: byMfcheck.level })]),
    ...(bySpf === undefined
      ? []
      : [
          entry('spf', bySpf.from, {
            level: bySpf.level,
            log: variables.isOn('SPF_LOG') ? true : undefined,
            block_plus_all: plusAll === undefined || plusAll === '0' ? undefined : true,
          }),
        ]),
  ]
}

function recipientChecks({
  variables,
  files,
  service,
  findings,
}: EntriesRequest): readonly WrittenEntry[] {
  const entries: WrittenEntry[] = []
  const path = variables.text('VALIDRCPTTO_CDB') ?? ''
  const [limit, log] = [variables.number('VALIDRCPTTO_LIMIT'), variables.number('VALIDRCPTTO_LOG')]
  const cdb = path === '' ? undefined : files.refer(path, 'control', service.source)
  if (cdb !== undefined) {
    const options = {
      cdb,
      // The cdb alone decides, as with qmail-smtpd: a vpopmail's line in users/assign stands for every name.
      users: 'no/assign',
      users_cdb: 'no/cdb',
      limit,
      log: log === undefined ? undefined : Math.min(log, 2),
    }
    entries.push(entry('validrcptto', `VALIDRCPTTO_CDB=${path}`, options))
    const remark =
      'refused with 550 5.1.1 in place of 553; a new cdb is used at once, nothing needs a restart'
    findings.difference('validrcptto.cdb', service.source, { to: 'validrcptto', remark })
  }
  const program = variables.text('RCPTCHECK') ?? ''
  if (program !== '') entries.push(entry('rcptcheck', `RCPTCHECK=${program}`, { program }))
  return entries
}

function greylist({ service, variables, findings }: EntriesRequest): readonly WrittenEntry[] {
  const names = [
    'HOLDTIME',
    'LIMIT',
    'BY_IP',
    'NOREV',
    'DIR',
    'LOG',
    'LOG_PID',
    'LOG_SMTP',
    'TIMEOUT',
  ]
  const given = new Map(names.map((name) => [name, variables.text(`JGREYLIST_${name}`)]))
  if (programOf(service.line, 'jgreylist') === undefined) return []
  const hold = variables.number('JGREYLIST_HOLDTIME')
  const limit = variables.number('JGREYLIST_LIMIT')
  const noReverse = given.get('NOREV') ?? ''
  const remark =
    'refused at RCPT as it was, with 451; clients that may relay are not asked; who is known already starts anew; one visit is ' +
    'forgotten after a day and a known client after 30, as jgreylist-clean does, without a job'
  findings.difference('jgreylist', service.source, { to: 'greylist', remark })
  return [
    entry('greylist', 'jgreylist', {
      key: 'network',
      hold: `${hold ?? 120}s`,
      retry: '24h',
      lifetime: '30d',
      allow_after: 0,
      good_mail: 0,
      by_address: variables.isOn('JGREYLIST_BY_IP') ? true : undefined,
      limit,
      no_reverse: noReverse === '' ? undefined : noReverse,
      override: variables.text('JGREYLIST'),
    }),
  ]
}
