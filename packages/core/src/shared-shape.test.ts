import { expect, it } from 'vitest';
import { shareShape } from './shared-shape.js';

class Message {
  a = 1;
}

it.each([
  ['its prototype changed', Object.setPrototypeOf(new Message(), Object.create(Message.prototype))],
  ['its prototype as it was made', new Message()],
])('nothing is to be seen of it on a message with %s', (_title, message: Message & { b?: number }) => {
  const prototype = Object.getPrototypeOf(message);
  message.b = 2;
  shareShape(message);
  shareShape(message);
  expect(Reflect.ownKeys(message)).toEqual(['a', 'b']);
  expect(Object.getPrototypeOf(message)).toBe(prototype);
  message.b = 3;
  expect({ ...message }).toEqual({ a: 1, b: 3 });
});
