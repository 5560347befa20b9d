import type { Session } from 'postern/plugin'

const usualPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What a program finds in its environment under tcpserver and qmail-smtpd, the variables of the tcp.smtp rule included. */
export function sessionVariables(session: Session): Map<string, string> {
  const { remoteInfo, user } = session
  // qmail-smtpd replaces it by the login.
  const info = user ?? remoteInfo
  return new Map([
    ['PATH', usualPath],
    ...tcpVariables(session),
    ...(info === undefined ? [] : [['TCPREMOTEINFO', info] as const]),
    ...(user === undefined ? [] : [['SMTP_AUTH_USER', user] as const]),
  ])
}

/** Of these only what tcpserver sets: its rule's variables, and who is connected with whom. */
export function tcpVariables(
  session: Session,
): readonly (readonly [name: string, value: string])[] {
  const { environment, remote, remoteName, local } = session
  return [
    ...environment.variables,
    ['PROTO', 'TCP'],
    ['TCPREMOTEIP', remote.address],
    ['TCPREMOTEPORT', String(remote.port)],
    ['TCPLOCALIP', local.address],
    ['TCPLOCALPORT', String(local.port)],
    ...(remoteName === undefined ? [] : [['TCPREMOTEHOST', remoteName] as const]),
  ]
}
