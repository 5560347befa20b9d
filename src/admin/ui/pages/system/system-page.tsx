import type { Permission } from '../../model/rights.ts'
import { useApp } from '../../app-context.ts'
import { pathOf } from '../../model/places.ts'
import { Page } from '../../parts/page.tsx'
import { Tabs } from '../../parts/tabs.tsx'
import { AdminUsers } from './admin-users.tsx'
import { Audit } from './audit.tsx'
import { ControlFiles } from './control-files.tsx'
import { Files } from './files.tsx'
import { LogTab } from './log-tab.tsx'
import { Me } from './me.tsx'
import { Overview } from './overview.tsx'
import { Tokens } from './tokens.tsx'

const tabs: readonly {
  readonly name: string
  readonly title: string
  /** None: whoever is logged in. */
  readonly needs?: Permission
}[] = [
  { name: 'overview', title: 'Overview', needs: 'system:read' },
  { name: 'files', title: 'Configuration', needs: 'configuration:read' },
  { name: 'control', title: 'Control files', needs: 'configuration:read' },
  { name: 'log', title: 'Log', needs: 'system:log' },
  { name: 'users', title: 'Who may come in', needs: 'access:manage' },
  { name: 'tokens', title: 'API tokens', needs: 'tokens:own' },
  { name: 'audit', title: 'Audit log', needs: 'audit:read' },
  { name: 'me', title: 'My account' },
]

export function SystemPage({ tab }: { readonly tab: string | undefined }) {
  const { may } = useApp()
  const open = tabs.filter(({ needs }) => needs === undefined || may(needs))
  const here = open.find(({ name }) => name === tab) ?? open[0]
  return (
    <Page title="System">
      <Tabs
        label="Parts of the system"
        tabs={open.map(({ name, title }, index) => ({
          href: pathOf('system', index === 0 ? [] : [name]),
          title,
          here: name === here?.name,
        }))}
      />
      <Tab name={here?.name} />
    </Page>
  )
}

function Tab({ name }: { readonly name: string | undefined }) {
  switch (name) {
    case 'overview':
      return <Overview />
    case 'files':
      return <Files />
    case 'control':
      return <ControlFiles />
    case 'log':
      return <LogTab />
    case 'users':
      return <AdminUsers />
    case 'tokens':
      return <Tokens />
    case 'audit':
      return <Audit />
    default:
      return <Me />
  }
}
