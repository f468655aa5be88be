import type { PhantomTokenClientOptions } from '@phantom-token/core';
import { json, jwt, status } from '../answers.js';
import { assertEqual } from '../assertions.js';
import { canaries } from '../canaries.js';
import { scene } from '../case-forms.js';
import { unknown } from '../expected-answers.js';
import { goodClaims } from '../jwt-samples.js';
import { codes } from '../minting-stage.js';
import type { Answer } from '../scripted-server.js';
import { answerMediaType, framed } from '../signed-answer-samples.js';

const fail = async (): Promise<never> => {
  throw new Error(canaries.secret);
};

const throwAtOnce = (): never => {
  throw new Error(canaries.secret);
};

const context = 'of our own';

interface Broken {
  readonly says?: Answer;
  readonly client: Partial<PhantomTokenClientOptions>;
  readonly code: string;
}

const broken: readonly (readonly [what: string, broken: Broken])[] = [
  [
    'clientAuth',
    {
      client: { clientAuth: { method: context, clientId: 'own', authenticate: fail } },
      code: 'ERR_CLIENT_AUTH',
    },
  ],
  [
    'clientAuth with a renewal',
    {
      says: status(401),
      client: {
        clientAuth: { method: context, clientId: 'own', authenticate: () => {}, renew: throwAtOnce },
      },
      code: 'ERR_CREDENTIALS_REFUSED',
    },
  ],
  [
    'verifyResponse that throws at once',
    {
      says: framed(),
      client: { accept: answerMediaType, verifyResponse: { context, verify: throwAtOnce } },
      code: 'ERR_RESPONSE_VERIFICATION',
    },
  ],
  [
    'verifyResponse that reads nothing',
    {
      says: framed(),
      client: {
        accept: answerMediaType,
        verifyResponse: { context, verify: async () => undefined as unknown as Record<string, unknown> },
      },
      code: 'ERR_RESPONSE_VERIFICATION',
    },
  ],
  [
    'mintJwt that makes nothing',
    {
      says: json({ active: true, ...goodClaims }),
      client: {
        accept: 'application/json',
        mintJwt: {
          context,
          requireTokenType: false,
          mint: async () => undefined as unknown as string,
          jwks: fail,
        },
      },
      code: 'ERR_MINTING',
    },
  ],
  ['verifyJwt', { client: { verifyJwt: { context, verify: fail } }, code: 'ERR_JWT_VERIFICATION' }],
  [
    'verifyResponse',
    {
      says: framed(),
      client: { accept: answerMediaType, verifyResponse: { context, verify: fail } },
      code: 'ERR_RESPONSE_VERIFICATION',
    },
  ],
  [
    'mintJwt',
    {
      says: json({ active: true, ...goodClaims }),
      client: {
        accept: 'application/json',
        mintJwt: { context, requireTokenType: false, mint: fail, jwks: fail },
      },
      code: 'ERR_MINTING',
    },
  ],
];

/** What users plug in may fail in any way: that is never the client's fault, and none of its words go on. */
export const plugInCases = broken.map(([what, { says = jwt(), client, code }]) =>
  scene(`${what}, of one's own, that fails: 502, reported as ${code}`, { client, says }, async (stage) => {
    await stage.refuses(unknown.unreliable);
    assertEqual(codes(stage), [code], 'reported codes');
    assertEqual(JSON.stringify(stage.events).includes('CANARY'), false, 'whether its words are reported');
  }),
);
