/**
 * The door to the slots of a channel that several processes share: a process works on those it has without asking
 * anybody, gets more when it is short of them, and gives back what others need more. All together never have more than
 * there are.
 */
export type SlotChannel = 'local' | 'remote'

export interface SlotLeases {
  /**
   * To be called once for each channel.
   * @param whole how many slots there are for all processes; asked each time, so that it may change
   * @param changed called when there are more slots than before
   */
  open(channel: SlotChannel, whole: () => number, changed: () => void): SlotLease
}

export interface SlotLease {
  /** How many may be taken now; what is taken beyond that is given back as it ends. */
  readonly limit: number
  /**
   * To be called whenever that may be another answer.
   * @param taken slots in use
   * @param isShort whether somebody waits whom more slots would help
   */
  uses(taken: number, isShort: boolean): void
  /** Nobody asks for more any more. */
  close(): void
}
