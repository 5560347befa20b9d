import type { ImportFindings } from './findings.ts'
import type { Installation } from './installation.ts'

type CopyOfInstallation = Pick<
  Installation,
  'tree' | 'isFolderOnly' | 'linksOutside' | 'endlessLinks'
>

/** Tells what of a copy is read elsewhere, and which links lead out of it. @param isRead whether that was read */
export function reportLinks(
  { tree, isFolderOnly, linksOutside, endlessLinks }: CopyOfInstallation,
  findings: ImportFindings,
  isRead: boolean,
): void {
  if (isFolderOnly) {
    findings.difference(`what lies outside of ${tree}`, tree, {
      remark:
        '/service, /etc and homes were read on this host; a copy of all of them is read where the tree is called …/var/qmail',
    })
  }
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
