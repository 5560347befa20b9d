import type { LogOutputSettings, LogSettings } from '../config/log-section.ts'
import { QmailSendLines } from '../formats/qmail-log/send-lines.ts'
import { QmailSmtpdLines } from '../formats/qmail-log/smtpd-lines.ts'
import type { HappenedEvent } from '../formats/qmail-log/words.ts'
import { Tai64nLabels } from '../formats/tai64n-labels.ts'
import type { LogFields, LogForm } from '../runtime/log.ts'
import { hostProcess } from '../runtime/node/process.ts'
import { jsonForm, openOutputs, type OpenedLog } from '../runtime/node/log.ts'
import { LogFolder } from '../runtime/node/log-folder.ts'
import { FileTarget, streamTarget, type LogTarget } from '../runtime/node/log-target.ts'

/** Which of several workers writes. */
export interface LogSeat {
  readonly worker: number
  readonly workers: number
  /** What writes, where it is no worker: in every line of JSON. */
  readonly process?: string
}

const onlyWriter: LogSeat = { worker: 1, workers: 1 }

/** The log of one process; several may write to one place. */
export function openLog({ outputs }: LogSettings, seat: LogSeat = onlyWriter): OpenedLog {
  const always: LogFields = {
    ...(seat.workers === 1 ? {} : { worker: seat.worker }),
    ...(seat.process === undefined ? {} : { process: seat.process }),
  }
  const labels = new Tai64nLabels()
  return openOutputs(
    outputs.map((output) => ({
      form:
        output.format === 'json' ? jsonForm(output.level, always) : formOf(output, seat, labels),
      target: targetOf(output, labels),
    })),
  )
}

function formOf(
  { format, stamps }: LogOutputSettings,
  seat: LogSeat,
  labels: Tai64nLabels,
): LogForm {
  const { uid = 0 } = hostProcess
  const writers: { lines(event: HappenedEvent): readonly string[] }[] = []
  if (format !== 'qmail-smtpd') writers.push(new QmailSendLines({ ...seat, uid }))
  if (format !== 'qmail-send') writers.push(new QmailSmtpdLines())
  return {
    wants: () => true,
    lines(event) {
      let text = ''
      for (const writer of writers) {
        for (const line of writer.lines(event))
          text += `${stamps ? `${labels.at(event.time)} ` : ''}${line}\n`
      }
      return text
    },
  }
}

function targetOf({ to, folder }: LogOutputSettings, labels: Tai64nLabels): LogTarget {
  if (to === 'stderr') return streamTarget(2)
  if (to === 'stdout') return streamTarget(1)
  if (folder === undefined) return new FileTarget(to)
  return new LogFolder({ path: to, ...folder, label: (now) => labels.at(now) })
}
