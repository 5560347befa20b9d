/** What a milter is told beside the commands: Sendmail's macros, as far as milters ask for them. */
import { formatMailbox, type Recipient, type ReversePath, type Session } from 'postern/plugin'

export type Macros = readonly (readonly [name: string, value: string])[]

export function connectMacros({ hostname, listener, local, remote, remoteName }: Session): Macros {
  const name = remoteName ?? `[${remote.address}]`
  return [
    ['j', hostname],
    ['v', 'Postern'],
    ['_', `${name} [${remote.address}]`],
    ['{daemon_name}', listener],
    ['{if_name}', hostname],
    ['{if_addr}', local.address],
    ['{client_addr}', remote.address],
    ['{client_name}', remoteName ?? 'unknown'],
    ['{client_port}', String(remote.port)],
  ]
}

export function helloMacros({ tls }: Session): Macros {
  if (tls === undefined) return []
  const { clientCertificate } = tls
  return [
    ['{tls_version}', tls.protocol],
    ['{cipher}', tls.cipher],
    ...(clientCertificate === undefined
      ? []
      : ([
          ['{cert_subject}', clientCertificate.subject],
          ['{cert_issuer}', clientCertificate.issuer],
          ['{verify}', clientCertificate.verified ? 'OK' : 'FAIL'],
        ] as const)),
  ]
}

/** That there was a login is told by the presence of `{auth_type}`; by which mechanism is not known here. */
export function mailMacros({ user }: Session, reversePath: ReversePath): Macros {
  return [
    ['{mail_addr}', reversePath === null ? '' : formatMailbox(reversePath)],
    ['{mail_host}', reversePath?.domain ?? ''],
    ['{mail_mailer}', 'smtp'],
    ...(user === undefined
      ? []
      : ([
          ['{auth_type}', 'AUTH'],
          ['{auth_authen}', user],
        ] as const)),
  ]
}

export function rcptMacros({ mailbox }: Recipient, id: string): Macros {
  return [
    ['i', id],
    ['{rcpt_addr}', formatMailbox(mailbox)],
    ['{rcpt_host}', mailbox.domain],
    ['{rcpt_mailer}', 'smtp'],
  ]
}
