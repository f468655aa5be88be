import { beforeAll, describe, expect, it } from 'vitest';
import { bearer, expectMalformed, type ForwardAuthPlay, stageForwardAuth } from './forward-auth-play.js';

let play: ForwardAuthPlay;
beforeAll(async () => {
  play = await stageForwardAuth();
});

const scoped = { target: '/authorize?scope=read' };

describe('path parameters of the protected request', () => {
  it.each([
    '/api/write;x',
    '/api;x=y/write',
    '/api/write%3Bx',
    '/api/write%253bx',
    '/api;a%2fb/write',
    '/api/items/%20;v=1?a=b',
  ])('are refused where scopes are asked for by path: %s', async (path) => {
    for (const field of [`X-Forwarded-Uri: ${path}`, `X-Original-URL: https://shop.example${path}`]) {
      expectMalformed(await play.ask([bearer('good'), field], scoped));
      play.expectPass(await play.ask([bearer('good'), field]));
      play.expectPass(await play.askStrictly([bearer('good'), field]));
    }
  });

  it.each(['/api/write', '/api/items/%20?a;b=c', '/api/what%3F'])(
    'are not seen where there are none: %s',
    async (path) => {
      const answer = await play.ask([bearer('good'), `X-Forwarded-Uri: ${path}`], scoped);
      expect(answer.status).toBe(200);
    },
  );
});
