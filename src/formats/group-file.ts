/**
 * The id of a group, by its name or the id itself, in a text such as /etc/group (group(5)).
 * @returns undefined where there is no such group
 */
export function groupId(text: string, group: string): number | undefined {
  if (/^\d{1,10}$/.test(group)) return Number(group)
  for (const line of text.split('\n')) {
    const [name, , id = ''] = line.split(':')
    if (name === group && /^\d{1,10}$/.test(id)) return Number(id)
  }
  return undefined
}

/** The name of a group, by its id, in such a text. */
export function groupName(text: string, id: number): string | undefined {
  for (const line of text.split('\n')) {
    const [name = '', , own] = line.split(':')
    if (name !== '' && own === String(id)) return name
  }
  return undefined
}
