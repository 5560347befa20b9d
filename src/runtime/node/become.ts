import process from 'node:process'

/** Whose process this one becomes. */
export interface Becoming {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

/**
 * Gives up being root, for good: user id, group id and no further group, as after a login. What is made from here on is for its
 * owner alone.
 * @throws an error of the system where we are not root
 */
export function becomeForGood({ name, uid, gid, home }: Becoming): void {
  process.setgroups?.([])
  process.setgid?.(gid)
  process.setuid?.(uid)
  process.umask(0o077)
  Object.assign(process.env, { HOME: home, USER: name, LOGNAME: name })
}
