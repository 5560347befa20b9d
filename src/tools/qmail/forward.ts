import { utf8Octets } from '../../formats/octets.ts'
import { mailOn, variable, type Surroundings } from './surroundings.ts'
import { fatal, type ToolEnd } from './tool-end.ts'

/** `forward address …`: sends the message on, as a line `&address` of a .qmail file does. */
export async function forward(call: Surroundings): Promise<ToolEnd> {
  const sender = variable(call, 'NEWSENDER')
  if (sender === undefined) return fatal('forward', 100, 'NEWSENDER not set')
  const line = variable(call, 'DTLINE')
  if (line === undefined) return fatal('forward', 100, 'DTLINE not set')
  const recipients = call.args.map(utf8Octets)
  const sent = await mailOn('forward', call, { sender, recipients, line, message: call.input() })
  return 'queued' in sent ? { exit: 0, out: '', err: `forward: qp ${sent.queued}\n` } : sent
}
