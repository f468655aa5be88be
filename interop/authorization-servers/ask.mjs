// One request over HTTP or HTTPS with a body of form fields, redirects left to the caller.
import { request as overHttp } from 'node:http';
import { request as overHttps } from 'node:https';

/** `tls` is `{ ca, cert, key }`. Gives `{ status, headers, body }`. */
export const ask = (url, { method, headers = {}, form, tls = {} } = {}) =>
  new Promise((resolve, reject) => {
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const outgoing = (url.startsWith('https:') ? overHttps : overHttp)(
      url,
      {
        ...tls,
        agent: false,
        method: method ?? (body === undefined ? 'GET' : 'POST'),
        headers: {
          ...(body !== undefined && {
            'Content-Type': 'application/x-www-form-urlencoded',
            'Content-Length': Buffer.byteLength(body),
          }),
          ...headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('error', reject).on('end', () => {
          resolve({ status: response.statusCode, headers: response.headers, body: text });
        });
      },
    );
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error('no answer within 60 seconds')));
    outgoing.on('error', reject).end(body);
  });

/** The same, for an answer that must be 200 and JSON. */
export const askJson = async (url, options) => {
  const { status, body } = await ask(url, options);
  if (status !== 200) throw new Error(`${new URL(url).pathname} answered ${status}: ${body}`);
  return JSON.parse(body);
};

/** The `Authorization` of `client_secret_basic` (RFC 6749 section 2.3.1). */
export const basic = (id, secret) => {
  const pair = [id, secret].map(encodeURIComponent).join(':');
  return { Authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
};
