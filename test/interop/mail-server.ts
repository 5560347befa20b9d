/** A mail server of others, whichever it is: where its mail lies, and how tests wait for what it does. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { eventually } from '../end-to-end/started-gateway.ts'

export interface MailServer {
  /** Whole messages of one of its users. */
  mailOf(localPart: string): Promise<string[]>
  log(): Promise<string>
  stop(): Promise<void>
}

/** What a server that keeps Maildirs and a log in these places has in them; nothing yet is no mistake. */
export function readServer(places: {
  readonly maildirs: string
  readonly log: string
}): Pick<MailServer, 'mailOf' | 'log'> {
  return {
    log: () => readFile(places.log, 'utf8').catch(() => ''),
    async mailOf(localPart) {
      const folder = join(places.maildirs, localPart, 'new')
      const names = await readdir(folder).catch((): string[] => [])
      return Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')))
    },
  }
}

/** Waits until the user has mail there. */
export function mailAt(server: MailServer, localPart: string): Promise<string[]> {
  return eventually(async () => {
    const mail = await server.mailOf(localPart)
    return mail.length > 0 ? mail : undefined
  }, `mail of ${localPart} at the server`)
}

/** Waits until its log has it. @returns what matches */
export function loggedAt(server: MailServer, pattern: RegExp): Promise<string> {
  return eventually(
    async () => pattern.exec(await server.log())?.[0],
    `${pattern} in the log of the server`,
  )
}

/** The source of a message whose text has eight bits. */
export function eightBits(text: string): string {
  return `Subject: eight bits
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

${text}
`
}
