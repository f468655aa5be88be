import { beforeAll, describe, expect, it } from 'vitest';
import { type Fate, type Play, stageRoutes } from './route-play.js';

describe('a path that some servers take for one of another route', () => {
  let play: Play;
  beforeAll(async () => {
    play = await stageRoutes([
      { name: 'admin', path: '/api/admin' },
      { name: 'deep', path: '/api/a-b/c.d/' },
      { name: 'api', path: '/api' },
      { name: 'Case', path: '/Case' },
      { name: 'case', path: '/case' },
      { name: 'late', path: '/api/late' },
      { name: 'rest', path: '/', auth: 'none' },
    ]);
  });

  it.each([
    '/api/ADMIN',
    '/api/Admin/x?y',
    '/api/aDM%49N',
    '/api/admin.',
    '/api/admin./x',
    '/api/admin...',
    '/api/admin%2e',
    '/api/admin%20',
    '/api/admin%20.%20/x',
    '/api/admin%2520',
    '/api/admin%3Fx',
    '/api/admin%3fx/y',
    '/api/admin%23x',
    '/api/admin%253Fx',
    '/api/ADMIN;x',
    '/api/admin.;x',
    '/api/admin%20;x/y',
    '/api/admin.%3Bx%3Fy',
    '/api/A-B/c.d',
    '/api/a-b./c.d%20/x',
    '/API',
    '/API/x',
    '/Api/admin',
    '/api./x',
    '/api%20/admin',
    '/api%3Fx',
    '/api%23/x',
    '/api%2fADMIN',
    '/CASE%3Fx',
    '/CASE/x',
  ])('is refused: %s', async (target) => {
    expect(await play.fateOf(target)).toBe(400);
  });

  it.each<[string, string]>([
    ['/api/admin', 'admin'],
    ['/api/admin/', 'admin'],
    ['/api/admin/X.', 'admin'],
    ['/api/admin/x%3Fy', 'admin'],
    ['/api/a-b/c.d', 'deep'],
    ['/api/a-b/cxd', 'api'],
    ['/api/ADMINS', 'api'],
    ['/api/admin-x', 'api'],
    ['/api/admin.json', 'api'],
    ['/api/administrator.', 'api'],
    ['/api/X', 'api'],
    ['/api/x.', 'api'],
    ['/api/x%20', 'api'],
    ['/api/what%3F', 'api'],
    ['/api/%23/ADMIN', 'api'],
    ['/api/x/ADMIN', 'api'],
    ['/api/LATE', 'api'],
    ['/api/late.', 'api'],
    ['/Case/x', 'Case'],
    ['/case/x', 'case'],
    ['/Apis', 'rest'],
    ['/x/API', 'rest'],
    ['/', 'rest'],
  ])('is not to be seen where there is one route only: %s', async (target, name) => {
    expect(await play.fateOf(target)).toEqual([name, target]);
  });
});

it.each<[string, Fate]>([
  ['/api/ADMIN', ['api', '/api/ADMIN']],
  ['/api/x.%20;y%3Fz%23', ['api', '/api/x.%20;y%3Fz%23']],
  ['/API', 404],
  ['/api.', 404],
  ['/api%3Fx', 404],
])('a single route takes %s for what it is', async (target, fate) => {
  const play = await stageRoutes([{ name: 'api', path: '/api' }]);
  expect(await play.fateOf(target)).toEqual(fate);
});
