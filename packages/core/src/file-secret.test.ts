import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { jwtAnswer, startServer, statusAnswer, unsignedJwt } from '../test/authorization-server.js';
import { createPhantomTokenClient } from './client.js';
import { clientSecretBasic } from './client-auth.js';
import { fileSecret } from './node.js';

async function makeFile(content: string | Uint8Array) {
  const folder = await mkdtemp(join(tmpdir(), 'phantom-token-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'client-secret');
  await writeFile(path, content);
  return path;
}

describe('fileSecret', () => {
  it.each([
    ['as it is', 'sesame', 'sesame'],
    ['without a line break at the end', 'sesame\n', 'sesame'],
    ['without a line break of two characters', 'sesame\r\n', 'sesame'],
    ['with all line breaks but one', 'ses\name\n\n', 'ses\name\n'],
    ['with spaces at its ends', ' sesame \n', ' sesame '],
    ['in UTF-8', 'sésame🙂', 'sésame🙂'],
  ])('gives the content %s', async (_title, content, secret) => {
    expect(await fileSecret(await makeFile(content))()).toBe(secret);
  });

  it('reads the file each time that it is asked, and not before', async () => {
    const path = await makeFile('old');
    const read = fileSecret(path);
    await writeFile(path, 'new');
    expect(await read()).toBe('new');
    await writeFile(path, 'newest');
    expect(await read()).toBe('newest');
  });

  it.each<[string, string | Uint8Array, string]>([
    ['is empty', '', 'is empty'],
    ['holds a line break only', '\n', 'is empty'],
    ['holds white space only', ' \t\n\n', 'is empty'],
    ['is not UTF-8', Uint8Array.of(0x73, 0x65, 0xff, 0x73), 'is not UTF-8'],
  ])('refuses a file that %s, by its path', async (_title, content, complaint) => {
    const path = await makeFile(content);
    const { message, cause } = await fileSecret(path)().catch((error) => error);
    // a cause might quote the content
    expect([message, cause]).toEqual([`the secret file ${path} ${complaint}`, undefined]);
  });

  it('refuses what cannot be read, by its path', async () => {
    const folder = join(await makeFile('sesame'), '..');
    for (const path of [folder, join(folder, 'absent')])
      await expect(fileSecret(path)()).rejects.toThrow(`the secret file ${path} cannot be read`);
  });

  it.each(['', undefined, 1])('takes no path of %j', (path) => {
    expect(() => fileSecret(path as string)).toThrow(TypeError);
  });
});

describe('a client whose secret is in a file', () => {
  async function setUp(content: string) {
    const path = await makeFile(content);
    const read = vi.fn(fileSecret(path));
    const accepted = { secret: 'old' };
    const server = await startServer((response, call) => {
      const credentials = Buffer.from(`gateway:${accepted.secret}`).toString('base64');
      const isOurs = call.headers.authorization === `Basic ${credentials}`;
      (isOurs ? jwtAnswer(unsignedJwt({ sub: 'alice' })) : statusAnswer(401))(response, call);
    });
    const clientAuth = clientSecretBasic('gateway', read);
    const client = createPhantomTokenClient({ ...server.asked, clientAuth });
    return { path, read, accepted, server, client };
  }

  it('fails no request when the secret is replaced, and reads the file once more for all of them', async () => {
    const { path, read, accepted, server, client } = await setUp('old\n');
    await client.exchange('first');
    expect(read).toHaveBeenCalledTimes(1);

    await writeFile(path, 'new\n');
    accepted.secret = 'new';
    const tokens = Array.from({ length: 20 }, (_, index) => `token-${index}`);
    const found = await Promise.all(tokens.map((token) => client.exchange(token)));
    expect(found.map(({ claims }) => claims.sub)).toEqual(tokens.map(() => 'alice'));
    expect(read).toHaveBeenCalledTimes(2);

    const refused = server.calls.length;
    await client.exchange('last');
    expect(server.calls.length).toBe(refused + 1);
    expect(read).toHaveBeenCalledTimes(2);
  });

  it('starts without the file, and tells what is wrong without a word of it', async () => {
    const { path, client } = await setUp('\n');
    await expect(client.exchange('token')).rejects.toThrow(
      expect.objectContaining({ code: 'ERR_CLIENT_AUTH', status: 502 }),
    );
    await writeFile(path, 'old');
    expect((await client.exchange('token')).claims.sub).toBe('alice');
  });
});
