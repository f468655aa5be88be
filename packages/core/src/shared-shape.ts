/**
 * Engines whose objects, once their prototype was changed, get a hidden class of their own with every property that is
 * added (V8 before 13: Node 20 and 22). No code that touches such an object can remember where its properties are.
 */
const isolatesShapes = Number.parseInt(process.versions.v8, 10) < 13;

const scratch = Symbol('scratch');

/**
 * Lets a request or response whose prototype was changed, as Express does with all, share a hidden class with its like
 * again: a property that goes makes it a dictionary there, and those are alike. Nothing else is to be seen of it. On
 * Node 20 that takes a third off what Express needs for a request, but for an app in some dozens, by chance: the engine
 * keeps 64 of those classes by a hash, and two may be in each other's way.
 */
export function shareShape(message: object): void {
  if (!isolatesShapes || Object.getPrototypeOf(message) === message.constructor.prototype) return;
  const shaped: { [scratch]?: true } = message;
  shaped[scratch] = true;
  delete shaped[scratch];
}
