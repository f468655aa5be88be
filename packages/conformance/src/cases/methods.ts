import { noContent, status } from '../answers.js';
import { row } from '../case-forms.js';
import { refused, unknown } from '../expected-answers.js';

const bodies: Readonly<Record<string, string>> = { POST: '{"a":1}', PUT: '{"a":1}', PATCH: '{"a":1}' };

/** Every method is guarded alike; HEAD gets no body (RFC 9110 §9.3.2). */
export const methodCases = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].flatMap((method) => {
    const body = bodies[method];
    const request = { method, target: '/any/path?a=1', ...(body !== undefined && { body }) };
    return [
      row(`${method} with a good token passes`, { sends: request }),
      row(`${method} with an inactive token: 401`, {
        sends: request,
        says: noContent(),
        gets: refused.inactive,
      }),
    ];
  }),
  row('HEAD without a token: 401 without a body', {
    sends: { method: 'HEAD', authorization: [] },
    gets: refused.withoutToken,
    calls: 0,
  }),
  row('HEAD with a malformed token: 400 without a body', {
    sends: { method: 'HEAD', authorization: 'Bearer a b' },
    gets: refused.malformed,
    calls: 0,
  }),
  row('HEAD with too little scope: 403 without a body', {
    sends: { method: 'HEAD' },
    adapter: { requiredScopes: ['admin'] },
    gets: refused.lacking('admin'),
  }),
  row('HEAD while the server fails: 502 without a body', {
    sends: { method: 'HEAD' },
    says: status(500),
    gets: unknown.unreliable,
  }),
];
