/** Keeps the greeting back, and refuses clients that cannot wait for it: GREETDELAY and DROP_PRE_GREET. */
import { definePlugin, finding, option, pass, reject } from 'postern/plugin'
import { pause } from '../shared/pause/pause.ts'
import { spokeEarly } from './findings.ts'

/** Where early talkers are refused and no delay is set, as qmail-smtpd has it. */
const leastWaitMs = 1_000
/** Well below the five minutes for which a client waits (RFC 5321 §4.5.3.2.1). */
const longestWaitMs = 60_000

export const earlyTalker = definePlugin({
  name: 'early-talker',
  summary: 'Refuses clients that speak before they are greeted (GREETDELAY, DROP_PRE_GREET).',
  // Longer than any delay: whoever cannot be waited for is let in.
  defaults: { refuseAt: 'now', onFault: 'pass', timeoutMs: 70_000 },
  provides: [spokeEarly],
  options: {
    delay: option.duration({
      default: '0s',
      env: 'GREETDELAY',
      description: 'The greeting is kept back so long, a minute at most.',
    }),
    refuse: option.boolean({
      default: true,
      env: 'DROP_PRE_GREET',
      description: 'Refuse who speaks meanwhile; a delay of 0s is one second then.',
    }),
  },
  setup: (_options, { clock, log }) => ({
    async connect({ session, silence }, { options: { delay, refuse }, signal }) {
      const waitMs = Math.min(delay > 0 || !refuse ? delay : leastWaitMs, longestWaitMs)
      if (waitMs === 0 && !silence.broken) return pass()
      const since = clock.monotonicMs()
      if (await silence.lasts(waitMs, signal)) return pass()
      const { address } = session.remote
      log.info('early-talker.spoke', { session: session.id, address, refused: refuse })
      if (refuse) {
        return reject('5.5.1', 'SMTP protocol violation', { reason: 'EARLY_TALKER', close: true })
      }
      // Who cannot wait is not greeted sooner than who can.
      await pause(waitMs - (clock.monotonicMs() - since), { clock, signal })
      return pass({ reason: 'EARLY_TALKER', findings: [finding(spokeEarly, true)] })
    },
  }),
})
