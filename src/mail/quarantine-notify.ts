/**
 * Who may be told that a message was quarantined, in Qmail-Scanner's words. `sender`: where it logged in or has an
 * address of ours, and never of viruses or of lists. `recips`: recipients of ours; `precips`: of what is no virus.
 * `admin`; `nmladm`: not of mail by lists; `nmlvadm`: the same, and not of viruses.
 */
export const notifyChoices = ['sender', 'recips', 'precips', 'admin', 'nmladm', 'nmlvadm'] as const
export type Notify = (typeof notifyChoices)[number]
