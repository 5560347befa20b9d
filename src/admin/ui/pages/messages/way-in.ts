/** How mail came that no session brought: what the traces call its way, in words. */
export function wayIn(via: string): string {
  return via === 'bounce'
    ? 'a notice of ours, such as a bounce'
    : 'sendmail, inject, qmail-queue or a forward'
}
