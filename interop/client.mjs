// Plain HTTP requests with full say over the fields: two of a name stay two, and the path goes out as written.
import { request } from 'node:http';

/** `fields` is a list of `[name, value]`. */
export const send = (base, { method = 'GET', path = '/api/items', fields = [], body } = {}) =>
  new Promise((resolve, reject) => {
    const { hostname, port, host } = new URL(base);
    const headers = ['Host', host, ...fields.flat()];
    if (body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(body)));
    const outgoing = request({ hostname, port, method, path, headers, agent: false }, (response) => {
      let text = '';
      response.setEncoding('latin1').on('data', (chunk) => {
        text += chunk;
      });
      response.on('error', reject).on('end', () => {
        resolve({
          status: response.statusCode,
          headers: response.headers,
          rawHeaders: response.rawHeaders,
          body: text,
        });
      });
    });
    outgoing.setTimeout(60_000, () => outgoing.destroy(new Error('no answer within 60 seconds')));
    outgoing.on('error', reject).end(body);
  });

/** All values of a field in Node's flat list of names and values. */
export const valuesOf = (rawHeaders, name) =>
  rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1].toLowerCase() === name.toLowerCase(),
  );
