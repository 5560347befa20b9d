import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

/** Tells which links of a copy lead out of it. @param isRead whether that was read */
export function reportLinks(
  { linksOutside, endlessLinks }: Pick<Installation, 'linksOutside' | 'endlessLinks'>,
  findings: ImportFindings,
  isRead: boolean,
): void {
  for (const [link, place] of linksOutside) {
    const what = `a link to ${place}`
    const remark =
      'it leads out of the tree and was not followed: copy what it means into the tree, or read this host there with --follow-links'
    if (isRead) {
      findings.difference(what, link, { remark: 'what is there on this host was read' })
    } else findings.dangerous(what, link, remark)
  }
  for (const link of endlessLinks) {
    const remark = 'more than 40 links, one behind the other, lead here: what led here was not read'
    findings.unsupported('links without an end', link, remark)
  }
}
