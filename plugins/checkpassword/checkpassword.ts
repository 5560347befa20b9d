/**
 * Logins by a program that speaks the checkpassword protocol: checkpassword itself, vchkpw, and many others. The program
 * gets user and password on descriptor 3 and answers with its exit code; what it starts after that is up to its arguments.
 */
import {
  checkpasswordAnswer,
  checkpasswordInput,
  definePlugin,
  option,
  type CheckpasswordLogin,
  type Doubt,
  type Programs,
  type Session,
} from 'postern/plugin'
import { tcpVariables } from '../shared/session-variables/session-variables.ts'

export const checkpassword = definePlugin({
  name: 'checkpassword',
  summary: 'Logins by a checkpassword program.',
  options: {
    command: option.strings({
      description: 'The program, by its path, and its arguments: [/bin/checkpassword, /bin/true].',
    }),
    cram: option.boolean({
      default: false,
      description: 'It answers CRAM-MD5 too: digest in place of the password, then the challenge.',
    }),
    apop: option.boolean({
      default: false,
      description: 'It answers APOP too: digest in place of the password, then the timestamp.',
    }),
    parallel: option.integer({
      default: 20,
      min: 1,
      max: 1000,
      description: 'So many of them run at once; more logins are deferred.',
    }),
  },
  defaults: { timeoutMs: 20_000 },
  setup(configured, { programs }) {
    const [program, ...args] = configured.command
    if (program === undefined) throw new Error('the command is empty')
    let running = 0

    const ask = async (
      session: Session,
      login: CheckpasswordLogin,
      signal: AbortSignal,
    ): Promise<boolean> => {
      const input = checkpasswordInput(login)
      if (input === undefined) return false
      if (running >= configured.parallel) throw new Error(`${running} of them are running already`)
      running += 1
      try {
        const call = {
          command: [program, ...args] as const,
          byDeliverer: true as const,
          environment: environmentOf(session),
          inputs: new Map([[3, input]]),
        }
        const { end } = await programs.run(call, signal)
        const known = 'exit' in end ? checkpasswordAnswer(end.exit) : undefined
        if (known === undefined) throw new Error(`${program} ended with ${JSON.stringify(end)}`)
        return known
      } finally {
        running -= 1
      }
    }

    return {
      verify: ({ session, user, password }, { signal }) => ask(session, { user, password }, signal),
      ...(configured.apop
        ? {
            checkApop: ({ session, user, challenge, digest }, { signal }) =>
              ask(session, { user, password: digest, data: challenge }, signal),
          }
        : {}),
      ...(configured.cram
        ? {
            checkResponse: ({ session, user, challenge, digest }, { signal }) =>
              ask(session, { user, password: digest, data: challenge }, signal),
          }
        : {}),
      check: () => doubtsAbout(program, programs),
      async probe() {
        if (program.startsWith('/') && !(await programs.canStart(program))) {
          throw new Error(`${program} cannot be started`)
        }
        return `${program} can be started`
      },
    }
  },
})

/** As under tcpserver: programs read there whom they serve. */
function environmentOf(session: Session): ReadonlyMap<string, string> {
  return new Map([['PATH', '/usr/local/bin:/usr/bin:/bin'], ...tcpVariables(session)])
}

async function doubtsAbout(program: string, programs: Programs): Promise<readonly Doubt[]> {
  const doubt = (problem: string, remedy: string): Doubt => ({ option: 'command', problem, remedy })
  if (!program.startsWith('/')) {
    return [
      doubt(`${program} is looked for along a path`, 'write where it lies: /bin/checkpassword'),
    ]
  }
  if (await programs.canStart(program)) return []
  const problem = `${program} cannot be started: every login is deferred`
  return [doubt(problem, 'install it, and let the user of this gateway execute it')]
}
