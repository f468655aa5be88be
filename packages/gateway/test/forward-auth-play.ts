import { expect } from 'vitest';
import { startGateway } from './gateway.js';
import { type Answer, exchange, format } from './raw.js';
import { type AuthorizationServer, admin, listen } from './stage.js';
import { startNamedTokens } from './tokens.js';

export const bearer = (token: string) => `Authorization: Bearer ${token}`;
/** What Traefik and Caddy say. */
export const traefik = [
  'X-Forwarded-Method: GET',
  'X-Forwarded-Proto: https',
  'X-Forwarded-Host: shop.example',
  'X-Forwarded-Uri: /orders?page=2',
];
export const nginx = ['X-Original-Method: GET', 'X-Original-URL: https://shop.example/orders?page=2'];

interface Question {
  readonly method?: string;
  readonly target?: string;
  readonly url?: string;
}

export interface ForwardAuthPlay {
  readonly server: AuthorizationServer;
  /** Asks a service without a configuration of its own, at `/authorize`; about `silent` one that does not wait long. */
  ask(fields: readonly string[], question?: Question): Promise<Answer>;
  /** Asks one at `/auth/check` that needs the scope `read`, calls its realm `shop` and lets preflights pass. */
  askStrictly(fields: readonly string[], question?: Question): Promise<Answer>;
  expectPass(answer: Answer): void;
}

export async function stageForwardAuth(): Promise<ForwardAuthPlay> {
  const server = await startNamedTokens();
  const common = { listen, admin, introspection: server.introspection, cache: { noExpiryTtlSeconds: 300 } };
  const forwardAuth = { path: '/authorize' };
  const [gateway, hasty, strict] = await Promise.all([
    startGateway({ ...common, forwardAuth }),
    startGateway({ ...common, introspection: server.hastyIntrospection, forwardAuth }),
    startGateway({
      ...common,
      forwardAuth: { path: '/auth/check', realm: 'shop', requiredScopes: ['read'], letPreflightsPass: true },
    }),
  ]);
  return {
    server,
    ask: (fields, question) => {
      const { url } = fields.includes(bearer('silent')) ? hasty : gateway;
      return ask(fields, { url, target: '/authorize', ...question });
    },
    askStrictly: (fields, question) => ask(fields, { url: strict.url, target: '/auth/check', ...question }),
    expectPass(answer) {
      expect(answer).toMatchObject({ status: 200, body: '' });
      expect(answer.header('Authorization')).toBe(`Bearer ${server.jwt}`);
      expect(answer.header('Content-Length')).toBe('0');
      expect(answer.header('WWW-Authenticate')).toBeUndefined();
    },
  };
}

/** Whatever the answer is, it holds neither the presented token nor, unless it is a pass, a JWT. */
async function ask(
  fields: readonly string[],
  { method = 'GET', target = '/', url = '' }: Question,
): Promise<Answer> {
  const answer = await exchange(url, format(method, target, fields));
  if (answer === undefined) throw new Error('there is no answer');
  const text = JSON.stringify([answer.fields, answer.body]);
  for (const line of fields) {
    const [, token] = /^authorization: *bearer +(.+)$/i.exec(line) ?? [];
    if (token !== undefined) expect(text).not.toContain(token);
  }
  expect(answer.header('Cache-Control')).toBe('no-store');
  if (answer.status !== 200) expect(text).not.toContain('eyJ');
  return answer;
}

export function expectMalformed(answer: Answer): void {
  expect(answer).toMatchObject({
    status: 400,
    body: '{"error":"invalid_request","error_description":"the request is malformed"}',
  });
  expect(answer.header('Authorization')).toBeUndefined();
}
