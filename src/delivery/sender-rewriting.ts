/**
 * What others' mail has as its reverse-path when we forward it (SRS), and whose the bounces are that such mail leads to
 * here. The key is made at the first forward: without one nothing was ever rewritten. Where it cannot be made (a folder of
 * root's, or none) mail goes on under its sender's name, as from qmail. The files are read each time, so a new key counts at once, in
 * every process.
 */
import { controlLine, controlList } from '../formats/control.ts'
import type { Mailbox } from '../mail/address.ts'
import type { Recipient, ReversePath } from '../mail/envelope.ts'
import { isPosternError } from '../mail/errors.ts'
import type { MaybePromise } from '../mail/maybe-promise.ts'
import type { Header } from '../mail/header.ts'
import { Srs } from '../mail/srs.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { unlessMissing } from '../runtime/missing.ts'
import type { Random } from '../runtime/random.ts'

export interface RewritingSettings {
  /** Bounces of what was rewritten before are understood also where it is off. */
  readonly enabled: boolean
  /** Of the control files. */
  readonly folder: string
  /** The domain of rewritten senders, where control/srs_domain does not say another. */
  readonly hostname: string
  /** @throws PosternError where that cannot be looked up now */
  readonly isOurs: (domain: string) => MaybePromise<boolean>
}

export interface RewritingParts {
  readonly disk: Disk
  readonly clock: Clock
  readonly random: Random
  readonly log: Pick<Log, 'warn'>
  readonly settings: () => RewritingSettings
}

/** Recipients that share a reverse-path. */
export interface Share {
  readonly reversePath: ReversePath
  readonly recipients: readonly Recipient[]
}

/** A message that was delivered more often is in a loop. */
const mostDeliveries = 50
const mostBytes = 65_536
const keyBytes = 24

export class SenderRewriting {
  readonly #parts: RewritingParts

  constructor(parts: RewritingParts) {
    this.#parts = parts
  }

  /**
   * Which reverse-path each recipient's copy has. A stranger's is rewritten for strangers only; what cannot be (an
   * address that would be too long, a list's mark) stays.
   * @throws PosternError DISK_FAILED where the key cannot be read, DISK_FULL where it cannot be made now
   */
  async shares({ reversePath, recipients }: Share): Promise<readonly Share[]> {
    const { enabled, isOurs } = this.#parts.settings()
    const as = { reversePath, recipients }
    if (!enabled || reversePath === null || reversePath.domain === '[]') return [as]
    if (await isOurs(reversePath.domain)) return [as]
    const ours = await oursAmong(recipients, isOurs)
    const away = recipients.filter(({ mailbox }) => !ours.has(mailbox.domain))
    if (away.length === 0) return [as]
    const rewritten = (await this.#srs('make'))?.encode(reversePath, this.#parts.clock.now())
    if (rewritten === undefined) return [as]
    const here = recipients.filter(({ mailbox }) => ours.has(mailbox.domain))
    const shares = [{ reversePath: rewritten, recipients: away }]
    return here.length === 0 ? shares : [...shares, { reversePath, recipients: here }]
  }

  /**
   * The same for what a program of this host hands over: for mail that was delivered here before, and so is sent on (by
   * forward, fastforward, procmail …). What else strangers' names stand on was written here, by whoever may.
   */
  async sharesOfHanded(share: Share, header: Header): Promise<readonly Share[]> {
    const { isOurs } = this.#parts.settings()
    for (const address of header.all('Delivered-To').slice(0, mostDeliveries)) {
      const domain = address.slice(address.lastIndexOf('@') + 1).trim()
      // oxlint-disable-next-line no-await-in-loop -- mostly there is one
      if (await isOurs(domain)) return this.shares(share)
    }
    return [share]
  }

  /** Whom a failure is told that goes to this address: the one behind it where we have rewritten it. */
  async senderBehind(mailbox: Mailbox): Promise<Mailbox> {
    if (!/^srs[01][-+=]/i.test(mailbox.localPart)) return mailbox
    const srs = await this.#srs()
    const reading = srs?.decode(mailbox, this.#parts.clock.now())
    return reading?.srs === 'sender' ? reading.mailbox : mailbox
  }

  async #srs(make?: 'make'): Promise<Srs | undefined> {
    const { folder, hostname } = this.#parts.settings()
    const path = `${folder}/srs.secret`
    let bytes = await this.#read(path)
    if (bytes === undefined && make !== undefined) {
      if (!(await this.#makeKey(path))) return undefined
      bytes = await this.#read(path)
    }
    const [first, ...older] = controlList(bytes).map(({ text }) => text)
    if (first === undefined) return undefined
    const domain = controlLine(await this.#read(`${folder}/srs_domain`), '').value
    return new Srs({ domain: domain === '' ? hostname : domain, secrets: [first, ...older] })
  }

  async #read(path: string): Promise<Uint8Array | undefined> {
    return unlessMissing(this.#parts.disk.readFile(path, mostBytes))
  }

  /** @returns whether it is there now. @throws PosternError DISK_FULL */
  async #makeKey(path: string): Promise<boolean> {
    try {
      await this.#writeKey(path)
      return true
    } catch (error) {
      if (!isPosternError(error) || error.code === 'DISK_FULL') throw error
      this.#parts.log.warn('srs.no-key', { path, error: error.message })
      return false
    }
  }

  /** Whole or not at all; of two processes that make one, both use the one that lies there in the end. */
  async #writeKey(path: string): Promise<void> {
    const { disk, random } = this.#parts
    const key = Buffer.from(random.bytes(keyBytes)).toString('base64url')
    const fresh = `${path}.${Buffer.from(random.bytes(6)).toString('hex')}`
    const file = await disk.open(fresh, 'create')
    try {
      await file.write([Buffer.from(`${key}\n`)], 0)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.rename(fresh, path)
    await disk.syncDirectory(path.slice(0, path.lastIndexOf('/')))
  }
}

async function oursAmong(
  recipients: readonly Recipient[],
  isOurs: RewritingSettings['isOurs'],
): Promise<ReadonlySet<string>> {
  const ours = new Set<string>()
  for (const domain of new Set(recipients.map(({ mailbox }) => mailbox.domain))) {
    // oxlint-disable-next-line no-await-in-loop -- mostly there is one
    if (await isOurs(domain)) ours.add(domain)
  }
  return ours
}
