import { render } from 'preact'
import { AppContext, createApp } from './app-context.ts'
import { applyTheme, savedTheme } from './browser/theme.ts'
import { Root } from './root.tsx'

applyTheme(savedTheme())
const home = document.querySelector('#app')
if (home !== null) {
  render(
    <AppContext.Provider value={createApp()}>
      <Root />
    </AppContext.Provider>,
    home,
  )
}
