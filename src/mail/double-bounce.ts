/**
 * qmail's `#@[]`: the sender of a bounce that tells of a bounce, which nobody is told of. Only hosts with qmail know it, so
 * that here it is the null reverse-path, and the `user` of the envelope: no login is called that, and the mark survives a
 * restart with the envelope. Programs and mailboxes of this host see it as qmail's do.
 */
export const doubleBounceUser = '#@[]'
