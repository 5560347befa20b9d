/**
 * A plugin in any language: a program that is asked by lines of JSON, or a service that is asked by HTTP. It answers
 * with the verdicts of a plugin here; what is none is a fault.
 */
import {
  definePlugin,
  formatMailbox,
  option,
  stages,
  type Accept,
  type Defer,
  type JsonObject,
  type Option,
  type Parsed,
  type Pass,
  type PluginInstance,
  type ProgramCall,
  type Reject,
  type Stage,
  type Transaction,
  type Verdict,
} from 'postern/plugin'
import { verdictOf } from './answer.ts'
import { TalkingProgram } from './program.ts'
import {
  messageFacts,
  parameterFacts,
  pathText,
  sessionFacts,
  transactionFacts,
} from './question.ts'
import { askService, parseServiceAddress } from './web-service.ts'

interface Asking {
  readonly signal: AbortSignal
  readonly withinMs: number
}
type Ask = (question: JsonObject, how: Asking) => Promise<unknown>

export const external = definePlugin({
  name: 'external',
  summary: 'A plugin in any language: a program with lines of JSON, or a service by HTTP.',
  vouches: 'local',
  defaults: { timeoutMs: 30_000 },
  options: {
    command: option.strings({
      default: [],
      description: 'A program’s path and its arguments; never run by a shell.',
    }),
    environment: option.strings({
      default: [],
      secret: true,
      description: 'NAME=value; it sees nothing else. The values are shown to nobody.',
    }),
    folder: option.string({ default: '/', description: 'Where the program runs.' }),
    url: option.string({
      default: '',
      description: 'Instead of a program: http://host:port/path, https://…, unix:/socket:/path.',
    }),
    stages: stagesOption(option.strings({ default: ['message'], description: 'When to ask it.' })),
    content: option.choice(['none', 'header', 'whole'], {
      default: 'header',
      description: 'What it is told of a message; whole: also the bytes, in base64.',
    }),
    max_content: option.size({
      default: '1MB',
      description: 'With content: whole, the first so many bytes.',
    }),
    answer_within: option.duration({ default: '10s' }),
    vouches: option.boolean({
      default: false,
      description: 'Its accept at rcpt counts: it knows our recipients.',
    }),
  },
  mayVouch: ({ vouches }) => vouches,
  setup(file, { clock, log, net, programs }) {
    const program =
      file.command.length > 0
        ? new TalkingProgram(callOf(file), { programs, clock, log })
        : undefined
    const ask: Ask = program
      ? (question, how) => program.ask(question, how)
      : serviceAt(file.url, { net, clock })
    if (program !== undefined && file.url !== '')
      throw new Error('give a command or a url, not both')

    const asked = async (
      stage: Stage | 'probe',
      facts: JsonObject,
      signal: AbortSignal,
    ): Promise<Verdict> => {
      const withinMs = file.answer_within
      const verdict = verdictOf(await ask({ stage, ...facts }, { signal, withinMs }))
      if (verdict.verdict === 'accept' && !file.vouches) throw new Error('it may not vouch')
      return verdict
    }
    const rule = { content: file.content, maxBytes: file.max_content }
    // Only the hooks that are wanted: a stage at which it is not asked says nothing about its health.
    const hooks: Hooks = {
      connect: async ({ session }, { signal }) =>
        objectionOnly(await asked('connect', { session: sessionFacts(session) }, signal)),
      hello: async ({ session }, { signal }) =>
        objectionOnly(await asked('hello', { session: sessionFacts(session) }, signal)),
      async auth({ session, mechanism, user }, { signal }) {
        const facts = { session: sessionFacts(session), mechanism, user }
        return objectionOnly(await asked('auth', facts, signal))
      },
      async mail({ session, reversePath, parameters }, { signal }) {
        const facts = {
          session: sessionFacts(session),
          reversePath: pathText(reversePath),
          parameters: parameterFacts(parameters),
        }
        return objectionOnly(await asked('mail', facts, signal))
      },
      async rcpt({ transaction, recipient }, { signal }) {
        const facts = {
          ...transactionWithSession(transaction),
          recipient: formatMailbox(recipient.mailbox),
        }
        return recipientOnly(await asked('rcpt', facts, signal))
      },
      data: async ({ transaction }, { signal }) =>
        objectionOnly(await asked('data', transactionWithSession(transaction), signal)),
      async message({ transaction, message }, { signal }) {
        const facts = {
          ...transactionWithSession(transaction),
          message: await messageFacts(message, rule),
        }
        const verdict = await asked('message', facts, signal)
        if (verdict.verdict === 'accept') throw new Error('accept is no answer at message')
        return verdict
      },
    }
    return {
      ...onlyAt(file.stages, hooks),
      async open() {
        await program?.open()
      },
      async close() {
        program?.close()
      },
      async check() {
        const [path = ''] = file.command
        if (!path.startsWith('/') || (await programs.canStart(path))) return []
        const problem = `${path} is no program that this user may start`
        return [{ option: 'command', problem, remedy: 'write the whole path of one that is' }]
      },
      async probe(signal) {
        await asked('probe', {}, signal)
        return program === undefined ? file.url : (file.command[0] ?? '')
      },
    }
  },
})

type Hooks = Required<Pick<PluginInstance<never, 'local', never>, Stage>>

function onlyAt(wanted: readonly Stage[], hooks: Hooks): Partial<Hooks> {
  const { connect, hello, auth, mail, rcpt, data, message } = hooks
  const at = <S extends Stage>(stage: S, hook: Pick<Hooks, S>): Partial<Pick<Hooks, S>> =>
    wanted.includes(stage) ? hook : {}
  return {
    ...at('connect', { connect }),
    ...at('hello', { hello }),
    ...at('auth', { auth }),
    ...at('mail', { mail }),
    ...at('rcpt', { rcpt }),
    ...at('data', { data }),
    ...at('message', { message }),
  }
}

function transactionWithSession(transaction: Transaction): JsonObject {
  return {
    session: sessionFacts(transaction.session),
    transaction: transactionFacts(transaction),
  }
}

function stagesOption(strings: Option<readonly string[]>): Option<readonly Stage[]> {
  return {
    ...strings,
    type: 'list of stages',
    parse(value, resources): Parsed<readonly Stage[]> {
      const texts = strings.parse(value, resources)
      if (!texts.ok) return texts
      const known = texts.value.flatMap((text) => stages.filter((stage) => stage === text))
      return known.length === texts.value.length
        ? { ok: true, value: known }
        : {
            ok: false,
            problem: 'names what is no stage',
            remedy: `there are: ${stages.join(', ')}`,
          }
    },
  }
}

function callOf({
  command,
  environment,
  folder,
}: {
  readonly command: readonly string[]
  readonly environment: readonly string[]
  readonly folder: string
}): ProgramCall {
  const [path = '', ...args] = command
  const variables = environment.map((each): [string, string] => {
    const at = each.indexOf('=')
    if (at < 1) throw new Error(`${each} is no NAME=value`)
    return [each.slice(0, at), each.slice(at + 1)]
  })
  return { command: [path, ...args], environment: new Map(variables), folder }
}

function serviceAt(url: string, doors: Parameters<typeof askService>[0]): Ask {
  const service = parseServiceAddress(url)
  if (service === undefined)
    throw new Error('give a command, or a url such as http://127.0.0.1:8080/')
  return (question, how) => askService(doors, service, { question, ...how })
}

function objectionOnly(verdict: Verdict): Pass | Defer | Reject {
  const kind = verdict.verdict
  if (kind === 'pass' || kind === 'defer' || kind === 'reject') return verdict
  throw new Error(`${kind} is no answer at this stage`)
}

function recipientOnly(verdict: Verdict): Pass | Defer | Reject | Accept {
  return verdict.verdict === 'accept' ? verdict : objectionOnly(verdict)
}
