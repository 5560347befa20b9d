/** Who is delivered to, as qmail-local has it on its command line (qmail-local.8). Text is one character for each byte. */
export interface LocalAddress {
  readonly user: string
  /** An absolute path. */
  readonly home: string
  /** The address's local-part, as the virtual domain made it. */
  readonly local: string
  /** Empty, or what stands between user and extension in the name of the .qmail file. */
  readonly dash: string
  readonly extension: string
  readonly host: string
  /** The reverse-path; empty for a bounce, `#@[]` for a double bounce. */
  readonly sender: string
}

/** What is known of a delivery before it begins: lines and variables that programs and mailboxes get. */
export interface DeliveryLines {
  /** `From sender date`, with its line end, as an mbox separates messages. */
  readonly from: string
  readonly returnPath: string
  readonly deliveredTo: string
}
