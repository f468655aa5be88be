// npm's oidc-provider over TLS: every way to prove who we are, signed and encrypted introspection, and tokens that are
// bound to a key or a certificate.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send, valuesOf } from '../client.mjs';
import { ask } from './ask.mjs';
import { describeServer } from './cases.mjs';
import { createDpopKey } from './dpop-proof.mjs';
import { startGateway } from './gateway.mjs';
import { configOf, variable } from './guide.mjs';
import { startOidcProvider } from './oidc-provider/server.mjs';
import {
  basicOf,
  bearer,
  challengeOf,
  claimsOf,
  makeKey,
  openStage,
  secretFile,
  withStage,
} from './stage.mjs';
import { startUpstream } from './upstream.mjs';

// It says no-store with every answer.
const cache = { obeyCacheControl: false };
const signed = 'application/token-introspection+jwt';

const signedResponse = ({ issuer, jwksUri }, { clientId }) => ({ issuer, jwksUri, audience: clientId });

const checkClaims = (claims) => {
  assert.equal(claims.client_id, 'app');
  assert.equal(claims.scope, 'read');
};
describeServer('oidc-provider', startOidcProvider, { refreshTokens: true, cache, checkClaims });

describeServer('oidc-provider', startOidcProvider, {
  title: 'the gateway verifies signed answers',
  refreshTokens: true,
  cache,
  checkClaims,
  introspection: (server) => ({ accept: signed, signedResponse: signedResponse(server, server) }),
});

describe('oidc-provider: every client authentication', () => {
  let server;
  before(async () => {
    server = await startOidcProvider();
  });
  after(() => server?.close());

  const secretMethod = (method, name) => ({
    right: ({ clients }) => ({ clientAuth: { method, ...clients[name] } }),
    wrong: ({ clients }) => ({
      clientAuth: { method, ...clients[name], clientSecret: `not ${clients[name].clientSecret}` },
    }),
  });
  const keyMethod =
    (keyOf) =>
    ({ clients: { privateKeyJwt }, folder }) => ({
      clientAuth: {
        method: 'private_key_jwt',
        clientId: privateKeyJwt.clientId,
        keyFile: secretFile(folder, 'assertion.pem', keyOf(privateKeyJwt)),
      },
    });
  const tlsMethod =
    (name, certificate) =>
    ({ clients, certificates }) => {
      const { certFile, keyFile } = certificates[certificate] ?? {};
      return {
        clientAuth: { method: 'tls_client_auth', clientId: clients[name].clientId },
        tls: { certFile, keyFile },
      };
    };
  const methods = {
    client_secret_basic: secretMethod('client_secret_basic', 'basic'),
    client_secret_post: secretMethod('client_secret_post', 'post'),
    client_secret_jwt: secretMethod('client_secret_jwt', 'secretJwt'),
    private_key_jwt: { right: keyMethod(({ privateKey }) => privateKey), wrong: keyMethod(makeKey) },
    tls_client_auth: {
      right: tlsMethod('tls', 'client'),
      wrong: tlsMethod('tls', 'stranger'),
    },
    'tls_client_auth without a certificate of the authority': {
      right: tlsMethod('tls', 'client'),
      wrong: tlsMethod('tls', 'selfSigned'),
    },
    self_signed_tls_client_auth: {
      right: tlsMethod('selfSignedTls', 'selfSigned'),
      wrong: tlsMethod('selfSignedTls', 'app'),
    },
  };
  for (const [method, { right, wrong }] of Object.entries(methods)) {
    it(`introspects with ${method}, and answers 502 when it is refused`, async () => {
      const token = await server.issueToken({ scope: 'read' });
      await withStage(server, { introspection: right(server) }, async (stage) => {
        const { scope } = claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
        assert.equal(scope, 'read');
      });
      await withStage(server, { introspection: wrong(server) }, async (stage) => {
        await challengeOf(502, stage, () => send(stage.gateway.url, { fields: bearer(token) }));
        assert.match(stage.gateway.output(), /refused our own credentials/);
      });
    });
  }

  it('answers 502 when the server comes from an authority that we do not trust', async () => {
    const tls = { caFile: server.certificates.selfSigned.certFile };
    const token = await server.issueToken();
    await withStage(server, { introspection: { tls } }, async (stage) => {
      await challengeOf(502, stage, () => send(stage.gateway.url, { fields: bearer(token) }));
    });
  });

  it('finds the introspection endpoint by the issuer', async () => {
    const { issuer } = server;
    const token = await server.issueToken();
    await withStage(server, { introspection: { issuer } }, async (stage) => {
      claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
    });
  });
});

describe('oidc-provider: signed and encrypted introspection', () => {
  let server;
  before(async () => {
    server = await startOidcProvider();
  });
  after(() => server?.close());

  const asking = (client, more) => ({
    accept: signed,
    clientAuth: basicOf(client),
    signedResponse: { ...signedResponse(server, client), ...more },
  });

  for (const [alg, name] of [
    ['RS256', 'basic'],
    ['ES256', 'signedEs256'],
  ]) {
    it(`verifies an answer that ${alg} signs`, async () => {
      const token = await server.issueToken({ scope: 'read' });
      const introspection = asking(server.clients[name]);
      await withStage(server, { introspection }, async (stage) => {
        const { scope } = claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
        assert.equal(scope, 'read');
      });
    });
  }

  for (const name of ['encryptedRsa', 'encryptedEc']) {
    it(`decrypts an answer for the client ${name}`, async () => {
      const client = server.clients[name];
      const token = await server.issueToken({ scope: 'read' });
      const decryptionKeyFiles = [secretFile(server.folder, `${name}.pem`, client.decryptionKey)];
      const introspection = asking(client, { decryptionKeyFiles });
      await withStage(server, { introspection }, async (stage) => {
        const { scope } = claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
        assert.equal(scope, 'read');
        const challenge = await challengeOf(401, stage, () =>
          send(stage.gateway.url, { fields: bearer('garbage') }),
        );
        assert.match(challenge, /error="invalid_token"/);
      });
    });
  }

  it('answers 502 for an encrypted answer without the key', async () => {
    const token = await server.issueToken();
    const introspection = asking(server.clients.encryptedRsa);
    await withStage(server, { introspection }, async (stage) => {
      await challengeOf(502, stage, () => send(stage.gateway.url, { fields: bearer(token) }));
    });
  });

  for (const [what, more] of [
    ['another issuer', { issuer: 'https://elsewhere.test' }],
    ['another audience', { audience: 'somebody else' }],
    ['another algorithm', { algorithms: ['PS256'] }],
  ]) {
    it(`answers 502 where the answer should have ${what}`, async () => {
      const token = await server.issueToken();
      const introspection = asking(server.clients.basic, more);
      await withStage(server, { introspection }, async (stage) => {
        await challengeOf(502, stage, () => send(stage.gateway.url, { fields: bearer(token) }));
      });
    });
  }
});

describe('oidc-provider: what looks like a JWT', () => {
  const jwt = [{ alg: 'RS256' }, {}].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'));
  const token = [...jwt, 'c2lnbmF0dXJl'].join('.');
  let server;
  before(async () => {
    server = await startOidcProvider();
  });
  after(() => server?.close());

  // The server answers 400 for it, which says nothing of the token by itself.
  for (const [badRequestMeansInactive, status] of [
    [false, 502],
    [true, 401],
  ]) {
    it(`is answered ${status} where badRequestMeansInactive is ${badRequestMeansInactive}`, async () => {
      const good = await server.issueToken();
      await withStage(server, { introspection: { badRequestMeansInactive } }, async (stage) => {
        // More than it takes to open the breaker.
        for (let round = 0; round < 10; round += 1) {
          await challengeOf(status, stage, () =>
            send(stage.gateway.url, { fields: bearer(`${token}${round}`) }),
          );
        }
        claimsOf(await send(stage.gateway.url, { fields: bearer(good) }), stage);
      });
    });
  }
});

describe('oidc-provider: a token that is bound to a DPoP key', () => {
  const origin = 'https://api.example.com';
  const path = '/api/items?page=2';
  const url = `${origin}/api/items`;
  let server;
  let stage;
  let holder;
  let token;
  before(async () => {
    server = await startOidcProvider();
    stage = await openStage(server, { dpop: { origin } });
    holder = createDpopKey();
    token = await server.issueToken({ scope: 'read', dpop: holder });
  });
  after(async () => {
    await stage?.close();
    await server?.close();
  });

  const request = (...fields) =>
    send(stage.gateway.url, { path, fields: [['Authorization', `DPoP ${token}`], ...fields] });
  const proof = (changes) => ['DPoP', holder.prove({ method: 'GET', url, token, ...changes })];

  it('is accepted with a proof, and again with another one from the cache', async () => {
    const introspections = () => stage.gateway.metric('phantom_token_introspections_total');
    claimsOf(await request(proof()), stage);
    const before = await introspections();
    const answer = await request(proof());
    const claims = claimsOf(answer, stage);
    assert.equal(await introspections(), before);
    assert.equal(claims.scope, 'read');
    const { rawHeaders } = JSON.parse(answer.body);
    assert.deepEqual(valuesOf(rawHeaders, 'DPoP'), []);
    assert.ok(!answer.body.includes(token), 'the presented token reached the upstream');
  });

  it('is refused when a proof is used twice', async () => {
    const once = proof();
    claimsOf(await request(once), stage);
    assert.match(await challengeOf(401, stage, () => request(once)), /^DPoP .*error="invalid_dpop_proof"/);
  });

  const faults = {
    'for another method': () => proof({ method: 'POST' }),
    'for another path': () => proof({ url: `${origin}/api/others` }),
    'for another origin': () => proof({ url: 'https://elsewhere.example.com/api/items' }),
    'for another token': () => proof({ token: 'another' }),
    'of an hour ago': () => proof({ iat: Math.floor(Date.now() / 1000) - 3600 }),
    'for no token': () => proof({ token: undefined }),
  };
  for (const [what, make] of Object.entries(faults)) {
    it(`is refused with a proof ${what}`, async () => {
      const challenge = await challengeOf(401, stage, () => request(make()));
      assert.match(challenge, /^DPoP .*error="invalid_dpop_proof"/);
    });
  }

  it("is refused with somebody else's proof", async () => {
    const other = ['DPoP', createDpopKey().prove({ method: 'GET', url, token })];
    assert.match(await challengeOf(401, stage, () => request(other)), /^DPoP .*error="invalid_/);
  });

  it('is refused without a proof, and as a bearer token', async () => {
    await challengeOf(401, stage, () => request());
    await challengeOf(401, stage, () => send(stage.gateway.url, { path, fields: bearer(token) }));
    await challengeOf(401, stage, () =>
      send(stage.gateway.url, { path, fields: [...bearer(token), proof()] }),
    );
  });

  it('leaves bearer tokens as they are', async () => {
    const plain = await server.issueToken({ scope: 'read' });
    claimsOf(await send(stage.gateway.url, { path, fields: bearer(plain) }), stage);
  });
});

describe('oidc-provider: a token that is bound to a certificate', () => {
  let server;
  let stage;
  let token;
  before(async () => {
    server = await startOidcProvider();
    const { certFile, keyFile } = server.certificates.server;
    stage = await openStage(server, {
      listen: { port: 0, tls: { certFile, keyFile, clientCertificates: 'request' } },
    });
    token = await server.issueBoundToken({ scope: 'read' });
  });
  after(async () => {
    await stage?.close();
    await server?.close();
  });

  const request = (presented, certificate) =>
    ask(`${stage.gateway.url}/api/items`, {
      headers: { Authorization: `Bearer ${presented}` },
      tls: { ca: server.ca, cert: certificate?.cert, key: certificate?.key },
    });

  it('is accepted with the certificate, and again from the cache', async () => {
    const { app } = server.certificates;
    assert.equal(claimsOf(await request(token, app), stage).client_id, 'bound-app');
    const introspections = () => stage.gateway.metric('phantom_token_introspections_total');
    const before = await introspections();
    claimsOf(await request(token, app), stage);
    assert.equal(await introspections(), before);
  });

  for (const [what, name] of [
    ['no certificate', 'none'],
    ['another certificate', 'stranger'],
    ['a certificate of its own making', 'selfSigned'],
  ]) {
    it(`is refused with ${what}, known to the cache or not`, async () => {
      const unknown = await server.issueBoundToken({ scope: 'read' });
      claimsOf(await request(token, server.certificates.app), stage);
      for (const presented of [token, unknown]) {
        const challenge = await challengeOf(401, stage, () => request(presented, server.certificates[name]));
        assert.match(challenge, /error="invalid_token"/);
      }
    });
  }

  it('is refused with a certificate that only a header tells of', async () => {
    const { cert } = server.certificates.app;
    const encoded = Buffer.from(cert.replace(/-----[^-]+-----|\s/g, ''), 'base64').toString('base64');
    const challenge = await challengeOf(401, stage, () =>
      ask(`${stage.gateway.url}/api/items`, {
        headers: {
          Authorization: `Bearer ${token}`,
          'Client-Cert': `:${encoded}:`,
          'X-Client-Cert': encodeURIComponent(cert),
        },
        tls: { ca: server.ca },
      }),
    );
    assert.match(challenge, /error="invalid_token"/);
  });

  it('leaves bearer tokens as they are', async () => {
    claimsOf(await request(await server.issueToken({ scope: 'read' })), stage);
  });
});

describe("oidc-provider: the guide's configurations", () => {
  const origin = 'https://api.example.com';
  let server;
  before(async () => {
    server = await startOidcProvider();
  });
  after(() => server?.close());

  /** The configuration with what exists here, and our own authority for the server's certificate. */
  const withGuide = async (index, replacements, work) => {
    const { ca, folder, issuer } = server;
    const upstream = await startUpstream();
    const gateway = await startGateway(
      configOf(
        'oidc-provider',
        {
          'port: 3000': 'port: 0',
          'https://login.example.com': issuer,
          [variable('CLIENT_SECRET')]: server.clientSecret,
          'minting.pem': secretFile(folder, 'minting.pem', makeKey()),
          'http://127.0.0.1:4000': upstream.url,
          '  clientAuth:': `  tls: { caFile: ${server.certificates.ca.certFile} }\n  clientAuth:`,
          ...replacements,
        },
        index,
      ),
    );
    try {
      const { body } = await ask(`${gateway.url}/.well-known/jwks.json`, { tls: { ca } });
      upstream.trust = {
        issuer: 'https://gateway.example.com',
        audience: 'api',
        jwksUri: `data:application/json,${encodeURIComponent(body)}`,
      };
      await work({ gateway, upstream });
    } finally {
      await gateway.stop();
      await upstream.stop();
    }
  };

  for (const [index, what] of ['plain answers', 'signed answers'].entries()) {
    it(`take ${what}`, async () => {
      await withGuide(index, {}, async (stage) => {
        const token = await server.issueToken({ scope: 'read' });
        claimsOf(await send(stage.gateway.url, { fields: bearer(token) }), stage);
      });
    });
  }

  it('take tokens that are bound to a key, a certificate, or nothing', async () => {
    const { app, server: own } = server.certificates;
    const files = { 'server.pem': own.certFile, 'server.key': own.keyFile };
    await withGuide(2, files, async (stage) => {
      const request = (headers, certificate) =>
        ask(`${stage.gateway.url}/api/items`, {
          headers,
          tls: { ca: server.ca, cert: certificate?.cert, key: certificate?.key },
        });
      const holder = createDpopKey();
      const bound = await server.issueToken({ dpop: holder });
      const proof = holder.prove({ method: 'GET', url: `${origin}/api/items`, token: bound });
      claimsOf(await request({ Authorization: `DPoP ${bound}`, DPoP: proof }), stage);
      claimsOf(await request({ Authorization: `Bearer ${await server.issueBoundToken()}` }, app), stage);
      claimsOf(await request({ Authorization: `Bearer ${await server.issueToken()}` }), stage);
    });
  });
});
