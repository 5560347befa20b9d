/** Strict base64 (RFC 4648 §3): no blanks, full padding, no stray bits. @returns undefined for anything else */
export function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}
