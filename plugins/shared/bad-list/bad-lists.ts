/** Two lists of what is not wanted: one for everybody, and one that logins and clients that may relay are not held against. */
import {
  option,
  relayClient,
  type Findings,
  type ReadByAll,
  type FollowedFile,
  type Log,
  type Session,
} from 'postern/plugin'
import { followBadList, type Dialect } from './bad-list.ts'

/** @param name of the first file in control/; the second one ends in `norelay` */
export const badListOptions = (name: string) => ({
  file: option.file({ default: `control/${name}` }),
  norelay: option.file({
    default: `control/${name}norelay`,
    description: 'The same, not asked about logins and clients that may relay.',
  }),
  dialect: option.choice(['qmail', 'jms'], {
    default: 'qmail',
    description: 'Addresses and @host; or extended expressions, turned round by !',
  }),
})

export interface BadListFiles {
  readonly file: FollowedFile
  readonly norelay: FollowedFile
  readonly dialect: Dialect
}

/** @returns finds the line that holds an address in this session, as it is written. @throws FileMistakes */
export function followBadLists({ file, norelay, dialect }: BadListFiles, log: Log) {
  const always = followBadList(file, dialect, log)
  const strangers = followBadList(norelay, dialect, log)
  return (address: string, session: Session, findings: Findings<ReadByAll>): string | undefined => {
    const isStranger = session.user === undefined && findings.get(relayClient) === undefined
    return (
      always.current.find(address) ?? (isStranger ? strangers.current.find(address) : undefined)
    )
  }
}
