import { describe, expect, it } from 'vitest';
import { createProcessLink } from '../src/process-link.js';

interface Asked {
  readonly name: string;
  answer(value: string): void;
  refuse(reason: string): void;
}

/** Both ends of a line, of which one answers when it is told to. */
function connect() {
  const asked: Asked[] = [];
  // as they come out of a pipe
  const copy = (message: object) => JSON.parse(JSON.stringify(message));
  const near = createProcessLink<string, never>(
    (message) => far.hear(copy(message)),
    () => Promise.reject(new Error('asks nothing')),
  );
  const far = createProcessLink<never, string>(
    (message) => near.hear(copy(message)),
    (name) =>
      new Promise((answer, reject) => {
        asked.push({ name, answer, refuse: (reason) => reject(new Error(reason)) });
      }),
  );
  return { near, asked: (name: string) => asked.find((it) => it.name === name) as Asked };
}

describe('a line between processes', () => {
  it('gives to each question its own answer, in whatever order they come', async () => {
    const { near, asked } = connect();
    const answers = Promise.allSettled(['one', 'two', 'three'].map((name) => near.ask(name)));
    asked('three').answer('of three');
    asked('two').refuse('not two');
    asked('one').answer('of one');
    expect(await answers).toEqual([
      { status: 'fulfilled', value: 'of one' },
      { status: 'rejected', reason: new Error('not two') },
      { status: 'fulfilled', value: 'of three' },
    ]);
  });

  it('leaves what others send over it alone', async () => {
    const { near, asked } = connect();
    const answer = near.ask('one');
    for (const message of [
      undefined,
      null,
      'text',
      { type: 'answer', number: 1 },
      { link: 'answer', number: 7 },
    ])
      near.hear(message);
    asked('one').answer('of one');
    expect(await answer).toBe('of one');
  });

  it('lets nobody wait for an end that is gone', async () => {
    const { near } = connect();
    const answer = near.ask('one');
    near.end();
    expect([await answer, await near.ask('two')]).toEqual([undefined, undefined]);
  });
});
