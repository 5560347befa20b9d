import type { PolicyOperations } from '../operations.ts'
import { route, type Route } from '../route.ts'
import { Done } from '../schemas/shapes.ts'
import {
  GreylistChange,
  GreylistClient,
  GreylistPage,
  GreylistQuery,
  ListChange,
  Lists,
  ListsQuery,
  ListTest,
  ListTestResult,
  RuleTest,
  RuleTestResult,
  TcpRules,
  Variables,
} from '../schemas/policy.ts'

export function policyRoutes(policy: PolicyOperations): readonly Route[] {
  return [...ruleRoutes(policy), ...listRoutes(policy), ...greylistRoutes(policy)]
}

function ruleRoutes(policy: PolicyOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/policy/rules',
        permission: 'policy:read',
        summary: 'The rules of tcp.smtp; they are changed as a file of the configuration',
        answer: TcpRules,
      },
      () => policy.rules(),
    ),
    route(
      {
        method: 'POST',
        url: '/policy/rules/test',
        permission: 'policy:read',
        summary: 'What the rules give a client, and what each variable does',
        body: RuleTest,
        example: { ip: '192.0.2.7' },
        answer: RuleTestResult,
      },
      ({ body }) => policy.testRule(body),
    ),
    route(
      {
        method: 'GET',
        url: '/policy/variables',
        permission: 'policy:read',
        summary: 'The variables that a rule may set: what each does, and who reads it',
        answer: Variables,
      },
      () => policy.variables(),
    ),
  ]
}

function listRoutes(policy: PolicyOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/policy/lists',
        permission: 'policy:read',
        summary: 'Allow and block lists',
        query: ListsQuery,
        answer: Lists,
      },
      ({ query: { target } }) => policy.lists(target),
    ),
    ...(['add', 'remove'] as const).map((what) =>
      route(
        {
          method: 'POST',
          url: `/policy/lists/${what}`,
          permission: 'policy:write',
          summary: what === 'add' ? 'Add a rule' : 'Take a rule away',
          body: ListChange,
          example: {
            rule: { word: 'block', by: 'sender', value: '@spam.example' },
            note: 'every day',
          },
          answer: Done,
          audit: `lists.${what}`,
        },
        async ({ body, caller }) => ({
          done: await policy.changeLists(what, body, { name: caller.name }),
        }),
      ),
    ),
    route(
      {
        method: 'POST',
        url: '/policy/lists/test',
        permission: 'policy:read',
        summary: 'What the lists say of a message',
        body: ListTest,
        example: { sender: 'ann@example.org', to: 'bob@example.net' },
        answer: ListTestResult,
      },
      ({ body }) => policy.testLists(body),
    ),
  ]
}

function greylistRoutes(policy: PolicyOperations): readonly Route[] {
  return [
    route(
      {
        method: 'GET',
        url: '/policy/greylist',
        permission: 'policy:read',
        summary: 'Whom greylisting knows',
        query: GreylistQuery,
        answer: GreylistPage,
      },
      ({ query }) => policy.greylist(query),
    ),
    route(
      {
        method: 'POST',
        url: '/policy/greylist/allow',
        permission: 'policy:write',
        summary: 'Never ask a client to come back',
        body: GreylistClient,
        example: { client: '192.0.2.0/24' },
        answer: GreylistChange,
        audit: 'greylist.allow',
      },
      ({ body: { client } }) => policy.allowClient(client),
    ),
    route(
      {
        method: 'POST',
        url: '/policy/greylist/forget',
        permission: 'policy:write',
        summary: 'Forget a client and all that was known by it',
        body: GreylistClient,
        example: { client: '192.0.2.0/24' },
        answer: GreylistChange,
        audit: 'greylist.forget',
      },
      ({ body: { client } }) => policy.forgetClient(client),
    ),
  ]
}
