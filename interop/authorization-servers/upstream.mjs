// An API that believes nothing but what a published key has signed, as an upstream behind the gateway should.
import { constants, createPublicKey, verify } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';

// What each algorithm is to node:crypto; anything else, `none` before all, is refused.
const algorithms = {
  RS256: { digest: 'sha256', key: {} },
  RS512: { digest: 'sha512', key: {} },
  PS256: {
    digest: 'sha256',
    key: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
  },
  ES256: { digest: 'sha256', key: { dsaEncoding: 'ieee-p1363' } },
  ES384: { digest: 'sha384', key: { dsaEncoding: 'ieee-p1363' } },
  EdDSA: { digest: null, key: {} },
};

const jsonOf = (part) => JSON.parse(Buffer.from(part, 'base64url').toString());

/** Finds keys by `kid`; a JWKS is fetched again only for a key that it does not know. */
const keyFinder = () => {
  const known = new Map();
  return (jwksUri) => async (kid) => {
    if (!known.has(kid)) {
      const { keys } = await (await fetch(jwksUri)).json();
      for (const jwk of keys) known.set(jwk.kid, createPublicKey({ key: jwk, format: 'jwk' }));
    }
    if (!known.has(kid)) throw new Error(`no key ${kid}`);
    return known.get(kid);
  };
};

/** The claims of a JWT that is signed by a key of the JWKS, of this issuer and for this audience, and not expired. */
const verifiedClaims = async (jwt, { issuer, audience }, keyOf) => {
  const [header, payload, signature, ...more] = jwt.split('.');
  if (signature === undefined || more.length > 0) throw new Error('not a JWT');
  const { alg, kid } = jsonOf(header);
  const algorithm = Object.hasOwn(algorithms, alg) ? algorithms[alg] : undefined;
  if (algorithm === undefined) throw new Error(`the algorithm ${alg}`);
  const key = { key: await keyOf(kid), ...algorithm.key };
  if (
    !verify(algorithm.digest, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url'))
  )
    throw new Error('the signature');
  const claims = jsonOf(payload);
  if (claims.iss !== issuer) throw new Error(`the issuer ${claims.iss}`);
  if (audience !== undefined && ![claims.aud].flat().includes(audience))
    throw new Error(`the audience ${claims.aud}`);
  if (typeof claims.exp !== 'number' || claims.exp <= Date.now() / 1000) throw new Error(`exp ${claims.exp}`);
  return claims;
};

/**
 * Answers 200 with `{ claims, rawHeaders }`, or 599 with a text that says what is wrong with the JWT: a status that the
 * gateway never says itself. Set `trust` to `{ issuer, audience, jwksUri }` before the first request.
 */
export const startUpstream = async () => {
  const upstream = { trust: undefined, requests: 0 };
  const keysAt = keyFinder();
  const server = createServer(async (request, response) => {
    upstream.requests += 1;
    try {
      const [, jwt] = /^Bearer (\S+)$/.exec(request.headers.authorization ?? '') ?? [];
      if (jwt === undefined) throw new Error('no bearer token');
      const claims = await verifiedClaims(jwt, upstream.trust, keysAt(upstream.trust.jwksUri));
      response
        .writeHead(200, { 'Content-Type': 'application/json' })
        .end(JSON.stringify({ claims, rawHeaders: request.rawHeaders }));
    } catch (error) {
      response.writeHead(599).end(`the upstream refuses: ${error.message}`);
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return Object.assign(upstream, {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  });
};
