import { readAddressList } from '../../formats/inject/address-list.ts'
import { readMessage, type WrittenField } from '../../formats/inject/header-lines.ts'
import { parseTokens, unquoted } from '../../formats/inject/tokens.ts'
import { latin1, latin1Bytes, utf8Octets } from '../../formats/octets.ts'
import { quoteAddress } from '../../formats/qmail-address.ts'
import { mailOn, variable, wholeInput, type Surroundings } from './surroundings.ts'
import { done, fatal, usage, type ToolEnd } from './tool-end.ts'

const name = 'qreceipt'

/** `qreceipt address`: tells the sender that it arrived, where Notice-Requested-Upon-Delivery-To names the address. */
export async function qreceipt(call: Surroundings): Promise<ToolEnd> {
  const [argument] = call.args
  const sender = variable(call, 'SENDER')
  if (argument === undefined || sender === undefined) return usage(name, 'qreceipt deliveryaddress')
  const address = utf8Octets(argument)
  const { fields } = readMessage(latin1(await wholeInput(call)))
  const asked = fields.filter((field) => field.name === 'notice-requested-upon-delivery-to')
  let requested = false
  for (const field of asked) {
    const addresses = addressesIn(field)
    if (addresses === undefined) return fatal(name, 100, `unable to parse this: ${bare(field)}`)
    requested ||= addresses.includes(address)
  }
  if (!requested || sender === '' || sender === '#@[]') return done()
  const sent = await mailOn(name, call, {
    sender: '',
    recipients: [sender],
    line: '',
    message: latin1Bytes(noticeOf(address, sender, fields)),
  })
  if ('queued' in sent) return done()
  const how = sent.exit === 100 ? 'permanent' : 'temporary'
  return fatal(name, sent.exit === 100 ? 100 : 111, `${how} qmail-queue error`)
}

function addressesIn({ value }: WrittenField): readonly string[] | undefined {
  const tokens = parseTokens(value)
  if (tokens === undefined) return undefined
  const list = readAddressList(tokens, (address) => address)
  return list.tokens && list.addresses.map(unquoted)
}

function noticeOf(address: string, sender: string, fields: readonly WrittenField[]): string {
  const to = quoteAddress(sender)
  const messageId = fields.findLast((field) => field.name === 'message-id')
  return [
    `From: DELIVERY NOTICE SYSTEM <${to}>`,
    `To: <${to}>`,
    'Subject: success notice',
    '',
    'Hi! This is the qreceipt program. Your message was delivered to the',
    `following address: ${address}. Thanks for asking.`,
    ...(messageId === undefined ? [] : [`Your ${bare(messageId)}`]),
    '',
  ].join('\n')
}

function bare({ text }: WrittenField): string {
  return text.endsWith('\n') ? text.slice(0, -1) : text
}
