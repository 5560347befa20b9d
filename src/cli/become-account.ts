import type { Command } from 'commander'

/** Before a command's action: typed by root, it goes on as the account that the gateway's folders belong to. */
export async function becomeAccount(_: Command, action: Command): Promise<void> {
  const { config } = action.optsWithGlobals<{ readonly config?: string }>()
  if (process.getuid?.() !== 0 || config === undefined) return
  const { becomeAccountOf } = await import('../tools/privileges/as-account.ts')
  await becomeAccountOf(config)
}
