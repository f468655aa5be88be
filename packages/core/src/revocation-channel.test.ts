import { expect, it } from 'vitest';
import { localRevocations } from './revocation-channel.js';

it('a channel in one process tells every listener until it leaves, the same function twice', () => {
  const channel = localRevocations();
  const heard: string[] = [];
  const listen = (digest: string) => void heard.push(digest);
  const leave = channel.subscribe(listen, () => {});
  channel.subscribe(listen, () => {});
  channel.publish('a');
  leave();
  channel.publish('b');
  expect(heard).toEqual(['a', 'a', 'b']);
});

it('a channel in one process passes on to the others what one listener fails at', () => {
  const channel = localRevocations();
  const heard: string[] = [];
  channel.subscribe(
    () => {
      throw new Error('broken');
    },
    () => {},
  );
  channel.subscribe(
    (digest) => void heard.push(digest),
    () => {},
  );
  channel.publish('a');
  expect(heard).toEqual(['a']);
});
