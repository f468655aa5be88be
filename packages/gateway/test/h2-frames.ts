import { connect } from 'node:tls';
import { onEnd } from './lifetime.js';

const frameTypes = { headers: 1, reset: 3, settings: 4, goaway: 7 } as const;

export interface Frame {
  readonly type: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** An HTTP/2 connection frame by frame, for what client libraries keep from happening. */
export interface FrameConnection {
  /** Sends a request without a body on a stream of this number. */
  ask(stream: number, fields: readonly (readonly [name: string, value: string])[]): void;
  /** Resolves with the first frame of this type, and stream where one is given, past or to come. */
  frame(type: keyof typeof frameTypes, stream?: number): Promise<Frame>;
  readonly closed: Promise<void>;
}

const ack = 1;
const endOfStreamAndHeaders = 5;

export function openFrameConnection(url: string, ca: Buffer): FrameConnection {
  const { hostname, port } = new URL(url);
  const socket = connect({ host: hostname, port: Number(port), ca, ALPNProtocols: ['h2'] });
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let received = Buffer.alloc(0);
  const send = (type: keyof typeof frameTypes, flags: number, stream: number, payload = Buffer.alloc(0)) => {
    const head = Buffer.alloc(9);
    head.writeUIntBE(payload.length, 0, 3);
    head[3] = frameTypes[type];
    head[4] = flags;
    head.writeUInt32BE(stream, 5);
    socket.write(Buffer.concat([head, payload]));
  };
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  send('settings', 0, 0);
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= 9 && received.length >= 9 + received.readUIntBE(0, 3)) {
      const end = 9 + received.readUIntBE(0, 3);
      const frame = {
        type: received[3] ?? 0,
        stream: received.readUInt32BE(5),
        payload: received.subarray(9, end),
      };
      if (frame.type === frameTypes.settings && frame.payload.length > 0) send('settings', ack, 0);
      frames.push(frame);
      received = received.subarray(end);
    }
    for (const check of waiting) check();
  });
  socket.on('error', () => {});
  onEnd(() => socket.destroy());
  return {
    ask: (stream, fields) =>
      send('headers', endOfStreamAndHeaders, stream, Buffer.concat(fields.flatMap(formatField))),
    frame: (type, stream) =>
      new Promise((resolve) => {
        const check = () => {
          const found = frames.find(
            (frame) => frame.type === frameTypes[type] && (stream === undefined || frame.stream === stream),
          );
          if (found === undefined) return;
          waiting.delete(check);
          resolve(found);
        };
        waiting.add(check);
        check();
      }),
    closed: new Promise((resolve) => socket.once('close', () => resolve())),
  };
}

// a literal without indexing, its name new (RFC 7541 §6.2.2)
const formatField = ([name, value]: readonly [string, string]) => [Buffer.from([0]), text(name), text(value)];
const text = (value: string) => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)]);

/** The status that a response's fields begin with, where it is one of those that have a number of their own (RFC 7541, appendix A). */
export const statusOf = ({ payload }: Frame): number | undefined => statuses[payload[0] ?? 0];
const statuses: Readonly<Record<number, number>> = { 136: 200, 139: 304, 140: 400, 141: 404, 142: 500 };
