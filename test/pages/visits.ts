import type { Page } from 'playwright-core'

/** By the setup link of the first start, as a person does it. */
export async function setUp(page: Page, setupLink: string): Promise<void> {
  await page.goto(setupLink)
  await page.getByLabel('User').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill('correct horse battery')
  await page.getByLabel('Password, once more').fill('correct horse battery')
  await page.getByRole('button', { name: 'Create and log in' }).click()
  await page.getByRole('heading', { name: 'Now', level: 1 }).waitFor()
}

export async function logIn(
  page: Page,
  user = 'admin',
  password = 'correct horse battery',
): Promise<void> {
  await page.getByLabel('User').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in' }).click()
  await page.getByRole('navigation', { name: 'Pages' }).waitFor({ state: 'attached' })
}
