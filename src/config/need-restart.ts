import type { ListenerRole } from '../smtp/policy.ts'
import type { Configuration } from './configuration.ts'

/** Of a listener: a role that is spoken as the one before needs no other socket. */
function spokenBy(role: ListenerRole): 'smtp' | 'pop3' | 'qmtp' | 'qmqp' {
  switch (role) {
    case 'pop3':
    case 'pop3s':
      return 'pop3'
    case 'qmtp':
    case 'qmqp':
      return role
    default:
      return 'smtp'
  }
}

/** The keys whose change a reload does not take. */
export function needRestart(before: Configuration, after: Configuration): readonly string[] {
  const fixed = ({
    workers,
    user,
    listeners,
    accounts,
    spool,
    store,
    traces,
    operator,
    log,
    dns,
    delivery,
  }: Configuration) => ({
    workers,
    user,
    // These are taken as they change, and where a line stands does not matter.
    listeners: listeners.map((one) => {
      return {
        ...one,
        role: spokenBy(one.role),
        receiver: undefined,
        tls: one.tls?.mode,
        place: undefined,
      }
    }),
    accounts,
    spool,
    store,
    traces,
    operator,
    log,
    dns,
    delivery: [delivery.maildirs],
  })
  const old = new Map(Object.entries(fixed(before)))
  return Object.entries(fixed(after)).flatMap(([key, value]) =>
    JSON.stringify(value) === JSON.stringify(old.get(key)) ? [] : [key],
  )
}
