/** That somebody was told of a message, as part of its story: `postern why` answers whether a sender knows. */
import type { QueuedNotification } from '../delivery/bounce.ts'
import type { AttemptRecorder } from '../filter/attempts.ts'
import { formatMailbox, formatPath } from '../mail/address.ts'
import type { Clock } from '../runtime/clock.ts'

export function notificationRecorder(
  recorder: AttemptRecorder,
  clock: Pick<Clock, 'now'>,
): (notification: QueuedNotification) => void {
  return ({ about: { id: queueId, envelope, receivedAt }, to, id, held }) => {
    recorder.record({
      queueId,
      recipient: formatMailbox(to),
      reversePath: formatPath(envelope.reversePath),
      receivedAt,
      route: '',
      outcome: 'told',
      status: '',
      text: held
        ? `notification ${id} is held; postern queue release ${id} sends it`
        : `notification ${id} was queued`,
      ledTo: [id],
      startedAt: clock.now(),
      durationMs: 0,
    })
  }
}
