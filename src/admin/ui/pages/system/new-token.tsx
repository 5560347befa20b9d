import { useState } from 'preact/hooks'
import type { ApiToken } from '../../../schemas/access.ts'
import { useApp } from '../../app-context.ts'
import { nowMs } from '../../browser/clock.ts'
import type { Permission } from '../../model/rights.ts'
import { CheckField, SelectField, TextField } from '../../parts/fields.tsx'
import { FormDialog } from '../../parts/form-dialog.tsx'

const dayMs = 86_400_000

const lives = [
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'a year'],
  ['', 'until it is revoked'],
] as const

export function NewToken({
  onMade,
  onClose,
}: {
  readonly onMade: (token: string) => void
  readonly onClose: () => void
}) {
  const { api, session } = useApp()
  const [name, setName] = useState('')
  const [days, setDays] = useState('90')
  const [scopes, setScopes] = useState<readonly Permission[]>([])
  const view = session.value
  const own = view === undefined || view === 'none' ? [] : view.permissions
  const make = async (): Promise<void> => {
    const expiresAt = days === '' ? {} : { expiresAt: nowMs() + Number(days) * dayMs }
    const made = await api.ask<ApiToken & { readonly token: string }>('POST', '/access/tokens', {
      body: { name: name.trim(), scopes, ...expiresAt },
    })
    onMade(made.token)
  }
  return (
    <FormDialog title="Make a token" action="Make it" onSubmit={make} onClose={onClose}>
      <TextField label="Name" hint="Which program uses it" value={name} onText={setName} required />
      <SelectField label="Good for" value={days} choices={lives} onValue={setDays} />
      <fieldset class="picker-plain">
        <legend class="legend">May</legend>
        <div class="form-columns">
          {own.map((scope) => (
            <CheckField
              key={scope}
              label={scope}
              checked={scopes.includes(scope)}
              onCheck={(on) =>
                setScopes(on ? [...scopes, scope] : scopes.filter((each) => each !== scope))
              }
            />
          ))}
        </div>
      </fieldset>
    </FormDialog>
  )
}
