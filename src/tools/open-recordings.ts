/**
 * Keeps the dialogues of a listener's sessions as files, for their owner alone: each is written when its session is over,
 * and the oldest go where there are too many. Never in the way of a session: what cannot be written is logged and lost.
 */
import { join } from 'node:path'
import type { RecordSettings } from '../config/record-section.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Disk } from '../runtime/disk.ts'
import type { Log } from '../runtime/log.ts'
import { DialogueRecording } from '../smtp/dialogue-recording.ts'
import type { ConnectionFacts } from '../smtp/policy.ts'
import type { SessionRecording } from '../smtp/session-recording.ts'

/** What recordings may hold in memory until they are written; beyond it sessions are not recorded. */
const mostMemory = 64 * 1024 * 1024
const dialogueFile = /^\d{8}T\d{9}Z-[\w-]{1,64}\.txt$/

interface RecordingDoors {
  readonly disk: Disk
  readonly clock: Clock
  readonly log: Log
}

export class Recordings {
  readonly #settings: RecordSettings
  readonly #doors: RecordingDoors
  #held = 0
  #saved: Promise<void> = Promise.resolve()

  constructor(settings: RecordSettings, doors: RecordingDoors) {
    this.#settings = settings
    this.#doors = doors
  }

  /** @returns undefined where too much waits to be written */
  record(facts: ConnectionFacts): SessionRecording | undefined {
    const { bodies, fileBytes } = this.#settings
    if (this.#held + fileBytes > mostMemory) return undefined
    this.#held += fileBytes
    const stamp = new Date(facts.startedAt).toISOString().replace(/[-:.]/g, '')
    return new DialogueRecording({
      facts,
      clock: this.#doors.clock,
      bodies,
      maxBytes: fileBytes,
      done: (text) => {
        this.#saved = this.#saved.then(() => this.#save(`${stamp}-${facts.id}.txt`, text))
      },
    })
  }

  /** Resolves when all that is over is written. */
  async close(): Promise<void> {
    await this.#saved
  }

  async #save(name: string, text: string): Promise<void> {
    const { disk, log } = this.#doors
    const { folder, fileBytes } = this.#settings
    const path = join(folder, name)
    try {
      await disk.makeDirectory(folder)
      const file = await disk.open(path, 'create')
      try {
        await file.write([Buffer.from(text, 'latin1')], 0)
      } finally {
        await file.close()
      }
      await this.#prune()
    } catch (error) {
      log.warn('dialogue.not-kept', { path, error: String(error) })
    } finally {
      this.#held -= fileBytes
    }
  }

  async #prune(): Promise<void> {
    const { disk } = this.#doors
    const { folder, files } = this.#settings
    const names = (await disk.list(folder)).filter((name) => dialogueFile.test(name)).toSorted()
    for (const name of names.slice(0, Math.max(0, names.length - files))) {
      // Another worker may have been faster.
      await disk.remove(join(folder, name)).catch(() => undefined)
    }
  }
}
