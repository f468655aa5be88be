/** A clock that never goes back. Milliseconds. */
export const clock = (): number => performance.now();

/** Calls in so many milliseconds, unless the timer is cleared; what has begun to call by then does so all the same. */
export const whenTimeIsUp = (milliseconds: number, call: () => void): NodeJS.Timeout =>
  // an answer that came while this process was busy lies in the socket, and is read before this runs
  setTimeout(() => setImmediate(call), milliseconds);
