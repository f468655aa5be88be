/** A value that is there at once where the runtime has it so: a promise takes longer than all that is waited for. */
export type Awaitable<T> = T | Promise<T>;

export const andThen = <T, U>(value: Awaitable<T>, next: (value: T) => Awaitable<U>): Awaitable<U> =>
  value instanceof Promise ? value.then(next) : next(value);
