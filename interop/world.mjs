// What stands around the servers under test: an authorization server, an API and the gateway.
import { spawn } from 'node:child_process';
import { createPublicKey, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { replaceExamples } from './replace.mjs';
import './signals.mjs';
import { generateKeyPair } from './key-pair.mjs';

const issuer = 'https://as.test';
const clientId = 'gateway';
const clientSecret = 'a:secret/with+signs';

// Another command that speaks the contract may be named, to try the tests themselves.
const gatewayCommand =
  process.env.INTEROP_GATEWAY ?? fileURLToPath(new URL('../packages/gateway/dist/cli.js', import.meta.url));

const listen = async (handler) => {
  const server = createServer(handler);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${server.address().port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};

const bodyOf = async (request) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString('latin1');
};

const formDecoded = (value) => new URLSearchParams(`v=${value}`).get('v');

const isOurClient = (authorization = '') => {
  const [scheme, credentials = ''] = authorization.split(' ');
  if (scheme !== 'Basic') return false;
  const [id, secret, ...more] = Buffer.from(credentials, 'base64').toString('latin1').split(':');
  // RFC 6749 section 2.3.1: both are form-encoded, so that the colon in the secret is not the one in between.
  return more.length === 0 && formDecoded(id) === clientId && formDecoded(secret ?? '') === clientSecret;
};

/** Introspection (`application/jwt`) and a JWKS; `answerWith` is `tokens`, `busy` or `nothing`. */
export const startAuthorizationServer = async () => {
  const { privateKey, publicKey } = generateKeyPair('rsa', { modulusLength: 2048 });
  const kid = randomUUID();
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const jwtWith = ({ scope, groups }) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: issuer,
      aud: 'api',
      sub: 'alice',
      client_id: 'app',
      scope,
      groups,
      iat: now,
      exp: now + 600,
    };
    const signed = `${part({ alg: 'RS256', typ: 'at+jwt', kid })}.${part({ ...claims, jti: randomUUID() })}`;
    return `${signed}.${sign('RSA-SHA256', Buffer.from(signed), privateKey).toString('base64url')}`;
  };
  const grants = {
    good: { scope: 'read write' },
    poor: { scope: 'read' },
    // Makes a JWT of about 6 kB: more than the 4 kB that nginx sets aside for an answer's fields.
    wide: { scope: 'read', groups: Array.from({ length: 200 }, (_, index) => `group-${index}-of-many`) },
  };
  const state = { answerWith: 'tokens' };

  const introspect = async (request, response) => {
    const body = await bodyOf(request);
    if (request.method !== 'POST') return response.writeHead(405).end();
    if (request.headers['content-type']?.split(';')[0] !== 'application/x-www-form-urlencoded') {
      return response.writeHead(415).end();
    }
    if (!isOurClient(request.headers.authorization)) {
      // The challenge is for the gateway; a client that saw it would think that its token is bad.
      return response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="authorization server"' }).end();
    }
    if (state.answerWith === 'nothing') return undefined;
    if (state.answerWith === 'busy') return response.writeHead(503, { 'Retry-After': '7' }).end();
    const grant = grants[new URLSearchParams(body).get('token')];
    if (grant === undefined) return response.writeHead(204).end();
    return response.writeHead(200, { 'Content-Type': 'application/jwt' }).end(jwtWith(grant));
  };

  const server = await listen((request, response) => {
    if (request.url === '/introspect') return introspect(request, response);
    if (request.url !== '/jwks') return response.writeHead(404).end();
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' };
    return response
      .writeHead(200, { 'Content-Type': 'application/json' })
      .end(JSON.stringify({ keys: [jwk] }));
  });
  return {
    ...server,
    publicKey: createPublicKey(privateKey),
    answerWith: (what) => {
      state.answerWith = what;
    },
  };
};

/** Records every request as it came, and answers with it. */
export const startApi = async () => {
  const requests = [];
  const server = await listen(async (request, response) => {
    const { method, url, rawHeaders } = request;
    const seen = { method, url, rawHeaders, body: await bodyOf(request) };
    requests.push(seen);
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(seen));
  });
  return { ...server, requests };
};

/** In the gateway's place: records what a server asks, and answers as told. */
export const startRecorder = async () => {
  const recorder = { questions: [], answer: { status: 200, headers: {} } };
  const server = await listen(async (request, response) => {
    const { method, url, rawHeaders } = request;
    recorder.questions.push({ method, url, rawHeaders, body: await bodyOf(request) });
    response.writeHead(recorder.answer.status, recorder.answer.headers).end();
  });
  return Object.assign(recorder, server);
};

/** The gateway as users start it, with config/gateway.yaml on standard input, and `replacements` of what stands there. */
export const startGateway = async ({
  authorizationServer,
  api,
  secret = clientSecret,
  replacements = {},
}) => {
  if (!existsSync(gatewayCommand)) throw new Error('the gateway is not built: run `npm run build` first');
  const child = spawn(process.execPath, [gatewayCommand, '--config', '-'], {
    env: {
      PATH: process.env.PATH,
      INTROSPECTION_ENDPOINT: `http://${authorizationServer.address}/introspect`,
      JWKS_URI: `http://${authorizationServer.address}/jwks`,
      ISSUER: issuer,
      CLIENT_ID: clientId,
      CLIENT_SECRET: secret,
      API_URL: `http://${api.address}`,
    },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const exited = once(child, 'exit');
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    output += text;
  });
  child.stdin.on('error', () => {}); // It may refuse to start before it has read everything.
  const text = readFileSync(new URL('config/gateway.yaml', import.meta.url), 'utf8');
  child.stdin.end(replaceExamples('config/gateway.yaml', text, replacements));

  const lines = createInterface({ input: child.stdout });
  const listening = new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      output += `${line}\n`;
      try {
        const { msg, url } = JSON.parse(line);
        if (msg === 'listening') resolve(new URL(url).host);
      } catch {
        reject(new Error(`the gateway wrote a line that is not JSON:\n${output}`));
      }
    });
    child.once('exit', (code) => reject(new Error(`the gateway ended with ${code}:\n${output}`)));
    setTimeout(
      () => reject(new Error(`the gateway does not say that it listens:\n${output}`)),
      60_000,
    ).unref();
  });

  const stop = async () => {
    process.off('exit', kill);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGTERM');
      const late = setTimeout(kill, 30_000);
      await exited;
      clearTimeout(late);
    }
  };
  try {
    return { address: await listening, output: () => output, stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
