/** Listening sockets that whoever started us has opened: systemd's protocol (sd_listen_fds(3)), or a number agreed on. */
import process from 'node:process'
import { PosternError } from '../../mail/errors.ts'

/** The first that systemd passes. */
const firstDescriptor = 3

/** @param which the number of the descriptor, or the name that systemd gave it. @throws PosternError LISTEN_FAILED */
export function inheritedDescriptor(
  which: number | string,
  environment: NodeJS.ProcessEnv = process.env,
  pid: number = process.pid,
): number {
  if (typeof which === 'number') return which
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' } = environment
  if (LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) {
    throw new PosternError('LISTEN_FAILED', `systemd:${which}: systemd has passed no sockets`)
  }
  const names = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS))
  const at = names.indexOf(which)
  if (at === -1) {
    const there = names.join(', ')
    throw new PosternError('LISTEN_FAILED', `systemd:${which}: there are only ${there}`)
  }
  if (names.includes(which, at + 1)) {
    throw new PosternError('LISTEN_FAILED', `systemd:${which}: several have this name, say fd:N`)
  }
  return firstDescriptor + at
}
