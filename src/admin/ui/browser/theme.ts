/** Light, dark, or as the system wishes. Kept in this browser alone. */

export type Theme = 'system' | 'light' | 'dark'

const themes: readonly Theme[] = ['system', 'light', 'dark']
const key = 'postern.theme'

export function savedTheme(): Theme {
  const saved = localStorage.getItem(key)
  return themes.find((theme) => theme === saved) ?? 'system'
}

export function applyTheme(theme: Theme): void {
  localStorage.setItem(key, theme)
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
}

export function nextTheme(theme: Theme): Theme {
  return themes[(themes.indexOf(theme) + 1) % themes.length] ?? 'system'
}
