/** A client at a receiver that nothing real stands around, for tables of commands and their reply codes. */
import {
  settled,
  smtpStage,
  type SmtpStage,
  type StageClient,
} from '../../src/testkit/smtp-stage.ts'

export interface Client {
  readonly stage: SmtpStage
  /** Sends latin1 text as it is. */
  send(text: string): void
  /** The whole reply, or `undefined` where there is none yet. */
  answer(): Promise<string | undefined>
}

/** A client that has read the greeting; logins are offered in the clear, and mistakes are borne. */
export async function greetedClient(): Promise<Client> {
  const stage = await smtpStage()
  stage.policy.settings = { ...stage.policy.settings, authWithoutTls: true, maxErrors: 1_000_000 }
  const client = await stage.dial()
  await client.reply()
  return { stage, send: (text) => client.send(text), answer: () => answer(client) }
}

/** The same after EHLO and so many commands. */
export async function clientAfter(...commands: readonly string[]): Promise<Client> {
  const client = await greetedClient()
  for (const command of ['EHLO client.test', ...commands]) {
    client.send(`${command}\r\n`)
    await client.answer()
  }
  return client
}

async function answer(client: StageClient): Promise<string | undefined> {
  await settled()
  return client.unread === '' ? undefined : client.reply()
}
