/** Who may log in: AUTH_CDB, or the arguments of qmail-smtpd. */
import { entry, type EntriesRequest } from './chain-entry.ts'
import type { WrittenEntry } from './written-config.ts'
import { saysYes } from './yes-men.ts'

export function authEntries(request: EntriesRequest): readonly WrittenEntry[] {
  const { service, variables, files, findings } = request
  const { source, line } = service
  const throttle = entry(
    'auth-throttle',
    'guessing takes time: postern enable auth-throttle',
    {},
    { mode: 'off' },
  )
  const path = variables.text('AUTH_CDB') ?? ''
  if (path !== '') {
    const cdb = files.refer(path, 'control', source)
    const args = line.programs.at(-1)?.args ?? []
    if (args.length > 0) {
      const remark = 'AUTH_CDB says who may log in; the program is not asked'
      findings.unsupported(`qmail-smtpd ${args.join(' ')}`, source, remark)
    }
    if (cdb === undefined) return []
    const remark =
      'PASSWORD_EXPIRES counts here; logins need TLS unless ALLOW_INSECURE_AUTH is set, as before'
    findings.difference(`AUTH_CDB=${path}`, source, { to: 'auth-cdb', remark })
    return [throttle, entry('auth-cdb', `AUTH_CDB=${path}`, { cdb })]
  }
  const smtpd = line.programs.at(-1)
  const [host, program, ...then] = smtpd?.args ?? []
  if (host === undefined) return []
  const from = `qmail-smtpd ${(smtpd?.args ?? []).join(' ')}`
  if (program === undefined || then.length === 0) {
    const remark =
      program !== undefined && saysYes([program])
        ? `where qmail-smtpd wants the name of the host first, ${program} verifies passwords, and anybody may relay; where it ` +
          `does not, write the entry checkpassword: command: [${host}, ${program}]. Logins are not taken over`
        : 'it needs a host name, a program and what that runs; logins are not taken over'
    findings.dangerous(from, source, remark)
    return []
  }
  if (saysYes([program, ...then])) {
    const remark =
      'whatever password is typed, the answer is yes: anybody may relay. Logins are not taken over'
    findings.dangerous(from, source, remark)
    return []
  }
  findings.mapped(from, source, 'checkpassword')
  const cram = variables.isOn('ALLOW_CRAM') ? true : undefined
  return [throttle, entry('checkpassword', from, { command: [program, ...then], cram })]
}
