/** From `/setup#token`, `/setup#token=…` or `/setup?token=…`. */
export function setupToken({
  hash,
  search,
}: {
  readonly hash: string
  readonly search: string
}): string {
  const asked = new URLSearchParams(search).get('token')
  return asked ?? hash.replace(/^#(?:token=)?/, '')
}
