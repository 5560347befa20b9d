/** Where the control socket of a worker lies, in its shard of the spool: a folder of its own, made for its owner alone. */
export function controlSocket(spool: string): { readonly folder: string; readonly path: string } {
  return { folder: `${spool}/control`, path: `${spool}/control/socket` }
}
