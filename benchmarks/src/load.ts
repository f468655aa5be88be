import { connect, type Socket } from 'node:net';

const connections = 24;

/** Sends one and the same request over kept connections for a while; how many were answered with 200 in a second. */
export async function measureThroughput(port: number, request: string, seconds: number): Promise<number> {
  const sockets = await Promise.all(Array.from({ length: connections }, () => open(port)));
  const bytes = Buffer.from(request);
  let answered = 0;
  let running = true;
  const startedAt = performance.now();
  const done = sockets.map(
    (socket) =>
      new Promise<void>((resolve, reject) => {
        socket.on('error', reject);
        socket.on('data', (chunk: Buffer) => {
          // answers are small and unpipelined: one chunk each
          if (chunk.toString('latin1', 9, 12) !== '200') return reject(new Error('an answer was not 200'));
          answered++;
          if (running) socket.write(bytes);
          else resolve();
        });
        socket.write(bytes);
      }),
  );
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  running = false;
  await Promise.all(done);
  const rate = (answered / (performance.now() - startedAt)) * 1000;
  for (const socket of sockets) socket.destroy();
  return rate;
}

function open(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}
