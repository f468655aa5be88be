import { clientSecretBasic, clientSecretPost } from '@phantom-token/core';
import { activeJson } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import type { RecordedRequest } from '../scripted-server.js';
import type { Setting } from '../stage.js';

const { token, secret } = canaries;

/** A secret in which every way to encode differs. */
const oddSecret = `${secret} a+b%c:d&e=f/é-._~*'`;

const basic = ({ headers }: RecordedRequest) =>
  Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64').toString();

const formDecode = (text: string) => decodeURIComponent(text.replaceAll('+', ' '));

/** One request passes, and this is what of the introspection it caused is looked at, and what it must be. */
const asks = (
  title: string,
  setting: Setting,
  look: (request: RecordedRequest) => unknown,
  expected: unknown,
) =>
  scene(title, setting, async ({ passes, server, asked }) => {
    await passes();
    asked(1);
    assertEqual(server.calls.map(look), [expected], 'the introspection request');
  });

/** What the authorization server is sent (RFC 7662 §2.1, RFC 6749 §2.3.1). */
export const introspectionRequestCases = [
  asks('introspection is a POST', {}, ({ method }) => method, 'POST'),
  asks(
    'introspection sends a form',
    {},
    ({ headers }) => headers['content-type'],
    'application/x-www-form-urlencoded',
  ),
  asks('introspection asks for a JWT by default', {}, ({ headers }) => headers.accept, 'application/jwt'),
  asks(
    'introspection asks for JSON alone where JSON is configured',
    { client: { accept: 'application/json' }, says: activeJson() },
    ({ headers }) => headers.accept,
    'application/json',
  ),
  asks('introspection asks for no compression', {}, ({ headers }) => headers['accept-encoding'], 'identity'),
  asks('introspection sends the token and nothing else', {}, ({ form }) => [...form], [['token', token]]),
  asks(
    'introspection encodes the token as a form has it',
    {},
    ({ body }) => body,
    `token=${encodeURIComponent(token).replaceAll('~', '%7E')}`,
  ),
  asks(
    'introspection sends the configured extra parameters, encoded',
    { client: { extraParameters: { token_type_hint: 'access_token', resource: 'a b&c=d' } } },
    ({ form }) => [...form].sort(),
    [
      ['resource', 'a b&c=d'],
      ['token', token],
      ['token_type_hint', 'access_token'],
    ],
  ),
  asks('client_secret_basic sends id and secret', {}, basic, `conformance:${secret}`),
  asks(
    'client_secret_basic encodes id and secret as forms have it, before base64',
    { client: () => ({ clientAuth: clientSecretBasic('my client:é', oddSecret) }) },
    (request) => basic(request).split(':').map(formDecode),
    ['my client:é', oddSecret],
  ),
  asks(
    'client_secret_basic leaves unreserved characters as they are',
    { client: () => ({ clientAuth: clientSecretBasic('a-b._~c', `${secret}-._~`) }) },
    basic,
    `a-b._~c:${secret}-._~`,
  ),
  asks(
    'client_secret_basic sends id and secret as they are with encoding: raw',
    { client: () => ({ clientAuth: clientSecretBasic('my client', oddSecret, { encoding: 'raw' }) }) },
    basic,
    `my client:${oddSecret}`,
  ),
  asks(
    'client_secret_post sends id and secret in the form, encoded, and no Authorization',
    { client: () => ({ clientAuth: clientSecretPost('my client', oddSecret) }) },
    ({ form, headers }) => [form.get('client_id'), form.get('client_secret'), headers.authorization],
    ['my client', oddSecret, undefined],
  ),
];
