/** What an operator must not miss: alerts, and a door that somebody has closed. Quiet where all is well. */
import type { Alerts, Reception } from '../../../schemas/maintenance.ts'
import { useApp } from '../../app-context.ts'
import { counted, plainText } from '../../format/lines.ts'
import { pathOf } from '../../model/places.ts'
import { Notice } from '../../parts/notice.tsx'
import { ReceptionNotice } from '../../parts/reception-notice.tsx'
import { useLoad } from '../../parts/use-load.ts'

const shown = 3

export function Warnings() {
  const { api, may } = useApp()
  const allowed = may('system:read')
  const alerts = useLoad(
    'now alerts',
    allowed ? (signal) => api.ask<Alerts>('GET', '/alerts', { signal }) : undefined,
  )
  const reception = useLoad(
    'now reception',
    allowed ? (signal) => api.ask<Reception>('GET', '/system/reception', { signal }) : undefined,
  )
  const active = alerts.value?.active ?? []
  return (
    <>
      <ReceptionNotice reception={reception.value} />
      {active.length === 0 ? null : (
        <Notice kind="bad">
          {active.slice(0, shown).map(({ key, summary }) => (
            <div key={key} class="break">
              {plainText(summary)}
            </div>
          ))}
          <a href={pathOf('system')}>
            {active.length > shown ? `${counted(active.length, 'alert')} in all` : 'Alerts'}
          </a>
        </Notice>
      )}
    </>
  )
}
