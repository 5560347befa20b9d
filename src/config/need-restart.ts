import type { Configuration } from './configuration.ts'

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
    admin,
  }: Configuration) => ({
    workers,
    user,
    // These are taken as they change, and where a line stands does not matter.
    listeners: listeners.map((one) => {
      return {
        ...one,
        role: one.role === 'pop3' || one.role === 'pop3s',
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
    admin,
    delivery: [delivery.maildirs, delivery.paused],
  })
  const old = new Map(Object.entries(fixed(before)))
  return Object.entries(fixed(after)).flatMap(([key, value]) =>
    JSON.stringify(value) === JSON.stringify(old.get(key)) ? [] : [key],
  )
}
