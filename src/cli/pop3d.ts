import { Command } from 'commander'
import { serveByPop3 } from '../tools/pop3d.ts'

/** `postern pop3d`: qmail-pop3d. Whoever starts it has taken the login, and become the user. */
export function pop3dCommand(): Command {
  return new Command('pop3d')
    .description(
      'serve a Maildir by POP3 on standard input and output, after a login, as qmail-pop3d',
    )
    .argument('<maildir>')
    .action(pop3d)
}

async function pop3d(path: string): Promise<void> {
  const served = await serveByPop3(
    path,
    (data) =>
      new Promise((resolve, reject) => {
        process.stdout.write(data, (error) => (error ? reject(error) : resolve()))
      }),
  )
  // What the client says after QUIT nobody reads.
  process.exit(served ? 0 : 1)
}
