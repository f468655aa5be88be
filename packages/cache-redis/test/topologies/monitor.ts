import { once } from 'node:events';
import { connect } from 'node:net';
import { openAdmin } from './admin.js';
import { eventually } from './eventually.js';
import type { Owned } from './owned.js';

/** Everything that a server is asked by anybody, byte by byte. */
export interface Monitor extends Owned {
  /** All until now, as it came, and with the escapes of binary data undone. */
  captured(): Promise<Buffer>;
}

export async function startMonitor({ port }: { readonly port: number }, password?: string): Promise<Monitor> {
  const chunks: Buffer[] = [];
  const socket = connect({ host: '127.0.0.1', port });
  socket.on('data', (chunk) => chunks.push(chunk));
  for (const command of [...(password === undefined ? [] : [`AUTH ${password}`]), 'MONITOR']) {
    socket.write(`${command}\r\n`);
    const [reply] = (await once(socket, 'data')) as [Buffer];
    if (!reply.toString().startsWith('+OK')) throw new Error('it may not listen');
  }
  const admin = await openAdmin({ port }, password === undefined ? {} : { password });
  return {
    async captured() {
      const last = crypto.randomUUID();
      await admin.redis.echo(last);
      await eventually('it has heard everything', () => Buffer.concat(chunks).includes(last));
      const raw = Buffer.concat(chunks);
      return Buffer.concat([raw, Buffer.from('\n'), unescaped(raw)]);
    },
    async end() {
      socket.destroy();
      await admin.end();
    },
  };
}

const named: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', a: '\u0007', b: '\b' };

const unescaped = (raw: Buffer): Buffer =>
  Buffer.from(
    raw
      .toString('latin1')
      .replace(/\\(?:x([0-9a-f]{2})|(.))/g, (_all, hex: string | undefined, char: string) =>
        hex === undefined ? (named[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
      ),
    'latin1',
  );
