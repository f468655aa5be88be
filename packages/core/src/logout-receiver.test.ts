import { CompactEncrypt, CompactSign, exportJWK, generateKeyPair, type JWK } from 'jose';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  jsonAnswer,
  jwtAnswer,
  startServer,
  statusAnswer,
  unsignedJwt,
} from '../test/authorization-server.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { type LogoutReceiverOptions, type LogoutTarget, logoutReceiver } from './logout-receiver.js';
import { memoryReplayStore } from './replay-store.js';

const now = 1_800_000_000;
const issuer = 'https://as.test';
const event = 'http://schemas.openid.net/event/backchannel-logout';
const form = 'application/x-www-form-urlencoded';

interface Key {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function makeKey(kid?: string, algorithm = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm);
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), ...(kid && { kid }) } };
}

let first: Key;
let second: Key;
beforeAll(async () => {
  [first, second] = await Promise.all([makeKey('first'), makeKey('second')]);
});

const claims = {
  iss: issuer,
  aud: 'gateway',
  iat: now,
  exp: now + 120,
  sub: 'CANARY-subject',
  sid: 'CANARY-session',
  events: { [event]: {} },
};

const utf8 = (text: string) => new TextEncoder().encode(text);
let tokens = 0;

const signBytes = (payload: Uint8Array, header: object = {}, key = first) =>
  new CompactSign(payload)
    .setProtectedHeader({ alg: 'ES256', typ: 'logout+jwt', kid: key.jwk.kid, ...header } as never)
    .sign(key.privateKey);
const signText = (payload: string, header: object = {}, key = first) => signBytes(utf8(payload), header, key);
/** What is undefined is left out. */
const sign = (changed: object = {}, header: object = {}, key = first) =>
  signText(JSON.stringify({ ...claims, jti: `jti-${tokens++}`, ...changed }), header, key);
const bodyOf = (token: string) => new URLSearchParams({ logout_token: token }).toString();

/** Notes what it is told, and fails where it is to. */
function createTarget() {
  const told: string[] = [];
  const target = { told, fails: undefined as Error | undefined };
  const tell = async (what: string) => {
    told.push(what);
    if (target.fails !== undefined) throw target.fails;
  };
  return Object.assign(target, {
    revokeBySubject: (sub: string) => tell(`sub ${sub}`),
    revokeBySession: (sid: string) => tell(`sid ${sid}`),
  });
}

function setUp(options: Partial<LogoutReceiverOptions> = {}) {
  const target = createTarget();
  const clock = { at: now };
  const receiver = logoutReceiver({
    issuer,
    audience: 'gateway',
    jwks: { keys: [first.jwk] },
    client: target,
    now: () => clock.at,
    ...options,
  });
  const send = async (token: string) => receiver.receive(bodyOf(token), form);
  return { target, clock, receiver, send, told: target.told };
}

const done = { status: 200, headers: { 'Cache-Control': 'no-store' }, body: '' };

const refused = (reason = '') => ({
  status: 400,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
  body: expect.stringMatching(
    new RegExp(`^\\{"error":"invalid_request","error_description":"[^"]*${reason}[^"]*"\\}$`),
  ),
});

const unavailable = {
  status: 503,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json', 'Retry-After': '1' },
  body: '{"error":"temporarily_unavailable","error_description":"the logout is not complete"}',
};

describe('a logout token', () => {
  it.each<[string, object, Partial<LogoutReceiverOptions>, string[]]>([
    ['a session and a subject', {}, {}, ['sid CANARY-session']],
    ['a session alone', { sub: undefined }, {}, ['sid CANARY-session']],
    ['a subject alone', { sid: undefined }, {}, ['sub CANARY-subject']],
    [
      'both, to a receiver for whole subjects',
      {},
      { wholeSubject: true },
      ['sid CANARY-session', 'sub CANARY-subject'],
    ],
    [
      'a session, to one for whole subjects',
      { sub: undefined },
      { wholeSubject: true },
      ['sid CANARY-session'],
    ],
    [
      'a subject, to one for whole subjects',
      { sid: undefined },
      { wholeSubject: true },
      ['sub CANARY-subject'],
    ],
  ])('that names %s revokes by them', async (_title, changed, options, expected) => {
    const { send, told } = setUp(options);
    expect(await send(await sign(changed))).toEqual(done);
    expect(told).toEqual(expected);
  });

  it('is told to every client', async () => {
    const targets = [createTarget(), createTarget()];
    const { send } = setUp({ client: targets });
    expect(await send(await sign())).toEqual(done);
    for (const { told } of targets) expect(told).toEqual(['sid CANARY-session']);
  });

  it.each<[string, object]>([
    ['further claims', { further: 'claim', trace: null }],
    ['further events', { events: { [event]: { detail: [1] }, 'https://other.test/event': 'x' } }],
    ['several audiences of which one is ours', { aud: ['other', 'gateway'] }],
    ['an exp of which a few seconds have passed', { exp: now - 4 }],
    ['an iat that is a few seconds ahead', { iat: now + 5 }],
    ['an iat of two minutes ago', { iat: now - 120 }],
    ['an nbf', { nbf: now }],
  ])('may have %s', async (_title, changed) => {
    const { send, told } = setUp();
    expect(await send(await sign(changed))).toEqual(done);
    expect(told).toHaveLength(1);
  });

  it.each<[string, object, string]>([
    ['of another issuer', { iss: 'https://other.test' }, 'iss'],
    ['of no issuer', { iss: undefined }, 'iss'],
    ['for somebody else', { aud: 'other' }, 'aud'],
    ['for several others', { aud: ['other', 'another'] }, 'aud'],
    ['for nobody', { aud: undefined }, 'aud'],
    ['that has run out', { exp: now - 5 }, 'exp'],
    ['that does not run out', { exp: undefined }, 'exp'],
    ['whose exp is text', { exp: String(now + 60) }, 'exp'],
    ['that is not valid yet', { nbf: now + 6 }, 'nbf'],
    ['of no time', { iat: undefined }, 'iat'],
    ['whose iat is text', { iat: String(now) }, 'iat'],
    ['of long ago', { iat: now - 120.5 }, 'too long ago'],
    ['of the future', { iat: now + 5.5, exp: now + 60 }, 'future'],
    ['without jti', { jti: undefined }, 'jti'],
    ['with an empty jti', { jti: '' }, 'jti'],
    ['with a jti that is no text', { jti: 7 }, 'jti'],
    ['that names nobody', { sub: undefined, sid: undefined }, 'neither sub nor sid'],
    ['with an empty sub', { sub: '' }, 'sub'],
    ['with a sub that is no text', { sub: 7 }, 'sub'],
    ['with a sub of null', { sub: null }, 'sub'],
    ['with a sub that is no Unicode', { sub: '\ud800' }, 'sub'],
    ['with an empty sid', { sid: '' }, 'sid'],
    ['with a sid that is no text', { sid: ['a'] }, 'sid'],
    ['with a nonce', { nonce: 'n' }, 'nonce'],
    ['with a nonce of null', { nonce: null }, 'nonce'],
    ['without events', { events: undefined }, 'events'],
    ['whose events are null', { events: null }, 'events'],
    ['whose events are a list', { events: [event] }, 'events'],
    ['whose events are text', { events: event }, 'events'],
    ['without the event', { events: { other: {} } }, 'logout event'],
    ['whose event is null', { events: { [event]: null } }, 'logout event'],
    ['whose event is text', { events: { [event]: '{}' } }, 'logout event'],
    ['whose event is a list', { events: { [event]: [] } }, 'logout event'],
    ['whose event stands deeper', { events: { other: { [event]: {} } } }, 'logout event'],
  ])('%s is refused', async (_title, changed, reason) => {
    const { send, told } = setUp();
    expect(await send(await sign(changed))).toEqual(refused(reason));
    expect(told).toEqual([]);
  });

  it.each([
    ['two members of one name', `"sub":"mallory","sub":"jane"`],
    ['two events of one name', `"sub":"jane","events":{"${event}":{},"${event}":null}`],
  ])('with %s is refused', async (_title, members) => {
    const { events, sub, sid, ...others } = claims;
    const rest = JSON.stringify({ ...others, jti: 'j', ...(members.includes('events') ? {} : { events }) });
    const { send, told } = setUp();
    expect(await send(await signText(`${rest.slice(0, -1)},${members}}`))).toEqual(refused('unambiguous'));
    expect(told).toEqual([]);
    expect([sub, sid]).toHaveLength(2);
  });

  it('that is not UTF-8 is refused', async () => {
    const { send } = setUp();
    const payload = utf8(JSON.stringify({ ...claims, jti: 'j', sub: 'x?' }));
    payload[payload.lastIndexOf(0x3f)] = 0xff;
    expect(await send(await signBytes(payload))).toEqual(refused('did not verify'));
  });

  it.each(['logout+jwt', 'Logout+JWT', 'application/logout+jwt'])('may have the typ %s', async (typ) => {
    const { send } = setUp();
    expect(await send(await sign({}, { typ }))).toEqual(done);
  });

  it.each([undefined, '', 'JWT', 'at+jwt', 'secevent+jwt', 7, null, ['logout+jwt']])(
    'of the typ %j is refused',
    async (typ) => {
      const { send, told } = setUp();
      expect(await send(await sign({}, { typ }))).toEqual(refused('typ'));
      expect(told).toEqual([]);
    },
  );

  it('of no typ or of JWT passes where that was asked for, and no other', async () => {
    const { send } = setUp({ requireTyp: false });
    for (const typ of [undefined, 'JWT', 'logout+jwt'])
      expect(await send(await sign({}, { typ }))).toEqual(done);
    for (const typ of ['at+jwt', '', null, 7])
      expect(await send(await sign({}, { typ }))).toEqual(refused('typ'));
  });

  it('without exp passes where that was asked for, and no longer than any other', async () => {
    const { send, clock } = setUp({ requireExp: false, maxAgeSeconds: 60 });
    expect(await send(await sign({ exp: undefined }))).toEqual(done);
    expect(await send(await sign({ exp: now - 10 }))).toEqual(refused('exp'));
    const late = await sign({ exp: undefined });
    clock.at += 60.5;
    expect(await send(late)).toEqual(refused('too long ago'));
  });

  it('that is signed with another key is refused', async () => {
    const { send } = setUp();
    expect(await send(await sign({}, {}, second))).toEqual(refused('logout token did not verify'));
    expect(await send(await sign({}, { kid: 'first' }, second))).toEqual(refused('SIGNATURE'));
  });

  it.each<[string, () => Promise<string>]>([
    ['is not signed', async () => unsignedJwt({ ...claims, jti: 'j' }, { alg: 'none', typ: 'logout+jwt' })],
    ['has an empty signature', async () => (await sign()).replace(/[^.]*$/, '')],
    [
      'is signed with a secret',
      () =>
        new CompactSign(utf8(JSON.stringify({ ...claims, jti: 'j' })))
          .setProtectedHeader({ alg: 'HS256', typ: 'logout+jwt' })
          .sign(utf8(JSON.stringify(first.jwk))),
    ],
    [
      'is encrypted',
      async () =>
        new CompactEncrypt(utf8(await sign()))
          .setProtectedHeader({ alg: 'dir', enc: 'A128GCM' })
          .encrypt(new Uint8Array(16)),
    ],
    ['is no JWT', async () => 'CANARY'],
    ['is empty', async () => ''],
    ['has a line after it', async () => `${await sign()}\n`],
    ['has an odd header', async () => `e30.${(await sign()).split('.').slice(1).join('.')}`],
  ])('that %s is refused', async (_title, make) => {
    const { send, told } = setUp();
    expect(await send(await make())).toEqual(refused('logout token'));
    expect(told).toEqual([]);
  });

  it('is refused with an algorithm that was not asked for', async () => {
    const { send } = setUp({ algorithms: ['RS256'] });
    expect(await send(await sign())).toEqual(refused('ALG'));
  });

  it('is not quoted in the answer', async () => {
    const { send } = setUp();
    for (const changed of [
      { iss: 'CANARY' },
      { aud: 'CANARY' },
      { nonce: 'CANARY' },
      { events: 'CANARY' },
      { jti: 7 },
    ])
      expect((await send(await sign(changed))).body).not.toContain('CANARY');
    expect((await send('CANARY')).body).not.toContain('CANARY');
  });
});

describe('a request', () => {
  it.each([form, `${form}; charset=UTF-8`, 'Application/X-WWW-Form-URLEncoded ;x=y'])(
    'may have the Content-Type %s',
    async (type) => {
      const { receiver } = setUp();
      expect(await receiver.receive(bodyOf(await sign()), type)).toEqual(done);
    },
  );

  it.each([undefined, null, '', 'application/json', 'text/plain', `x${form}`])(
    'of the Content-Type %j is refused',
    async (type) => {
      const { receiver, told } = setUp();
      expect(await receiver.receive(bodyOf(await sign()), type)).toEqual(refused('Content-Type'));
      expect(told).toEqual([]);
    },
  );

  it('may have other parameters', async () => {
    const { receiver } = setUp();
    expect(await receiver.receive(`a=b&${bodyOf(await sign())}&c=d`, form)).toEqual(done);
  });

  it('has exactly one logout token', async () => {
    const { receiver, told } = setUp();
    const body = bodyOf(await sign());
    for (const wrong of ['', 'a=b', `${body}&${body}`, `${body}&logout_token=`, 'logout_token[]=x'])
      expect(await receiver.receive(wrong, form)).toEqual(refused('logout_token'));
    expect(told).toEqual([]);
  });

  it('is looked at up to a length', async () => {
    const { receiver } = setUp();
    const body = bodyOf(await sign());
    const fill = (length: number) => `${body}&x=`.padEnd(length, 'x');
    expect(await receiver.receive(fill(16_385), form)).toEqual(refused('16384'));
    expect(await receiver.receive(fill(16_384), form)).toEqual(done);
  });

  it.each([undefined, null, {}, Buffer.from('logout_token=x')])(
    'whose body is %j is refused',
    async (body) => {
      const { receiver } = setUp();
      expect(await receiver.receive(body as never, form)).toEqual(refused('body'));
    },
  );
});

describe('a logout token that comes twice', () => {
  it('is refused', async () => {
    const { send, told } = setUp();
    const token = await sign();
    expect(await send(token)).toEqual(done);
    expect(await send(token)).toEqual(refused('used before'));
    // signed anew, it is still the same
    expect(await send(await sign({ jti: `jti-${tokens - 1}` }))).toEqual(refused('used before'));
    expect(told).toEqual(['sid CANARY-session']);
  });

  it('at once counts once', async () => {
    const { send, told } = setUp();
    const token = await sign();
    const statuses = (await Promise.all([send(token), send(token), send(token)])).map(({ status }) => status);
    expect(statuses.toSorted()).toEqual([200, 400, 400]);
    expect(told).toHaveLength(1);
  });

  it('is refused wherever the same store is used, until it is too old anyway', async () => {
    const store = memoryReplayStore();
    const [one, other] = [setUp({ replayStore: store }), setUp({ replayStore: store })];
    const token = await sign();
    expect(await one.send(token)).toEqual(done);
    for (const later of [0, 60, 119.9]) {
      other.clock.at = now + later;
      expect(await other.send(token)).toEqual(refused('used before'));
    }
    // at most once more, which changes nothing
    expect(other.told).toEqual(['sid CANARY-session']);
  });

  it('is not confused with one of another issuer', async () => {
    const store = memoryReplayStore();
    const one = setUp({ replayStore: store });
    const other = setUp({ replayStore: store, issuer: 'https://other.test' });
    expect(await one.send(await sign({ jti: 'same' }))).toEqual(done);
    expect(await other.send(await sign({ jti: 'same', iss: 'https://other.test' }))).toEqual(done);
  });

  it('is kept as a digest for as long as it could be used', async () => {
    const kept: unknown[][] = [];
    const { send } = setUp({
      replayStore: {
        add: (...args) => {
          kept.push(args);
          return true;
        },
      },
    });
    await send(await sign({ jti: 'CANARY', iat: now - 20 }));
    await send(await sign({ jti: 'CANARY', iss: 'x' }));
    expect(kept).toEqual([[expect.stringMatching(/^[\w-]{43}$/), now + 100, now]]);
  });

  it('is done although the store fails, since it revokes nothing more', async () => {
    const { send, told } = setUp({ replayStore: { add: () => Promise.reject(new Error('down')) } });
    expect(await send(await sign())).toEqual(done);
    expect(told).toEqual(['sid CANARY-session']);
  });
});

describe('a logout that not all could be told of', () => {
  it('is 503, and done when it is sent again', async () => {
    const { send, target, told } = setUp();
    const token = await sign();
    target.fails = new Error('CANARY');
    expect(await send(token)).toEqual(unavailable);
    expect(await send(token)).toEqual(unavailable);
    target.fails = undefined;
    expect(await send(token)).toEqual(done);
    expect(await send(token)).toEqual(refused('used before'));
    expect(told).toHaveLength(3);
  });

  it('is 503 when one of several clients failed, and the others were told', async () => {
    const targets = [createTarget(), createTarget()] as const;
    const { send } = setUp({ client: targets, wholeSubject: true });
    targets[0].fails = new Error('down');
    expect(await send(await sign())).toEqual(unavailable);
    expect(targets[1].told).toHaveLength(2);
  });

  it('is 503 when a client throws', async () => {
    const told: string[] = [];
    const broken: LogoutTarget = {
      revokeBySubject: async () => {},
      revokeBySession: () => {
        throw new Error('broken');
      },
    };
    const target = { ...createTarget(), revokeBySession: async (sid: string) => void told.push(sid) };
    const { send } = setUp({ client: [broken, target] });
    expect(await send(await sign())).toEqual(unavailable);
    expect(told).toEqual(['CANARY-session']);
  });

  it('can be sent again to another instance, although they share what was used', async () => {
    const store = memoryReplayStore();
    const [one, other] = [setUp({ replayStore: store }), setUp({ replayStore: store })];
    one.target.fails = new Error('down');
    const token = await sign();
    expect(await one.send(token)).toEqual(unavailable);
    expect(await other.send(token)).toEqual(done);
    expect(other.told).toEqual(['sid CANARY-session']);
  });

  it('can be sent again however many others failed', async () => {
    const { send, target } = setUp();
    target.fails = new Error('down');
    const oldest = await sign();
    expect(await send(oldest)).toEqual(unavailable);
    const others = await Promise.all(Array.from({ length: 1_000 }, () => sign()));
    for (const token of others) await send(token);
    target.fails = undefined;
    expect(await send(oldest)).toEqual(done);
  });
});

it('of a thousand logouts that were done all are known, and of more the store knows', async () => {
  const { send, told } = setUp();
  const oldest = await sign();
  await send(oldest);
  for (let others = 0; others < 1_000; others++) await send(await sign());
  expect(await send(oldest)).toEqual(refused('used before'));
  expect(await send(oldest)).toEqual(refused('used before'));
  expect(told).toHaveLength(1_002);
});

describe("the issuer's keys", () => {
  it('are fetched where they are published', async () => {
    const server = await startServer(jsonAnswer({ keys: [first.jwk] }));
    const { send } = setUp({ jwks: undefined as never, jwksUri: `${server.origin}/jwks` });
    expect(await send(await sign())).toEqual(done);
    expect(await send(await sign())).toEqual(done);
    expect(server.calls).toHaveLength(1);
  });

  it('that are not to be had make it 503, and the logout can be sent again', async () => {
    const server = await startServer(statusAnswer(500));
    const { send, clock, told } = setUp({ jwks: undefined as never, jwksUri: `${server.origin}/jwks` });
    const token = await sign();
    expect(await send(token)).toEqual(unavailable);
    expect(told).toEqual([]);
    server.answer = jsonAnswer({ keys: [first.jwk] });
    clock.at += 2;
    expect(await send(token)).toEqual(done);
  });

  it('may be several without kid', async () => {
    const keys = [await makeKey(), await makeKey()] as const;
    const { send } = setUp({ jwks: { keys: keys.map(({ jwk }) => jwk) } });
    expect(await send(await sign({}, { kid: undefined }, keys[1]))).toEqual(done);
  });
});

describe('a client', () => {
  it('asks again about the tokens of a session that was ended', async () => {
    const token = (sid: string) => jwtAnswer(unsignedJwt({ sub: 'jane', sid, exp: now + 3600 }));
    const server = await startServer(token('one'));
    const client = createPhantomTokenClient({
      ...server.asked,
      issuer,
      clientAuth: clientSecretBasic('gateway', 'sesame'),
      now: () => now,
    });
    await client.exchange('token-1');
    server.answer = token('two');
    await client.exchange('token-2');
    const { send } = setUp({ client });
    expect(await send(await sign({ sub: 'jane', sid: 'one' }))).toEqual(done);
    server.answer = statusAnswer(204);
    await expect(client.exchange('token-1')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
    expect(await client.exchange('token-2')).toMatchObject({ source: 'memory' });
    expect(await send(await sign({ sub: 'jane', sid: undefined }))).toEqual(done);
    await expect(client.exchange('token-2')).rejects.toMatchObject({ code: 'ERR_INACTIVE' });
  });
});

describe('an option', () => {
  const target = createTarget();
  const jwks = { keys: [] };
  const good = { issuer, audience: 'gateway', jwks, client: target };
  it.each<[string, unknown, string]>([
    ['missing altogether', undefined, 'options must be an object'],
    ['unknown', { ...good, nonce: 1 }, 'unknown option "nonce"'],
    ['an issuer that is missing', { ...good, issuer: undefined }, 'issuer'],
    ['an audience that is missing', { ...good, audience: undefined }, 'audience'],
    ['an audience that is empty', { ...good, audience: [] }, 'audience'],
    ['a client that is missing', { ...good, client: undefined }, 'client'],
    ['no client at all', { ...good, client: [] }, 'client'],
    ['a client that revokes nothing', { ...good, client: [target, { revokeBySubject() {} }] }, 'client'],
    ['a client that is null', { ...good, client: null }, 'client'],
    ['keys that are missing', { ...good, jwks: undefined }, 'jwks or jwksUri'],
    ['keys twice', { ...good, jwksUri: 'https://as.test/jwks' }, 'jwks or jwksUri'],
    ['a symmetric algorithm', { ...good, algorithms: ['HS256'] }, 'algorithms'],
    ['a maxAgeSeconds of 0', { ...good, maxAgeSeconds: 0 }, 'maxAgeSeconds'],
    ['a requireTyp that is no flag', { ...good, requireTyp: 'no' }, 'requireTyp'],
    ['a requireExp that is no flag', { ...good, requireExp: 0 }, 'requireExp'],
    ['a wholeSubject that is no flag', { ...good, wholeSubject: 'yes' }, 'wholeSubject'],
    ['a replayStore that stores nothing', { ...good, replayStore: {} }, 'replayStore'],
    ['a replayStore of null', { ...good, replayStore: null }, 'replayStore'],
    ['a now that is no function', { ...good, now: 7 }, 'now'],
  ])('that is %s is named', (_title, options, message) => {
    expect(() => logoutReceiver(options as LogoutReceiverOptions)).toThrow(TypeError);
    expect(() => logoutReceiver(options as LogoutReceiverOptions)).toThrow(message);
  });
});
