import type { Reception } from '../../schemas/maintenance.ts'
import { Notice } from './notice.tsx'

/** Somebody has closed the door, and may have forgotten it. */
export function ReceptionNotice({ reception }: { readonly reception: Reception | undefined }) {
  if (reception?.admits !== false) return null
  return <Notice kind="bad">No mail is taken: clients are told to come back later.</Notice>
}
