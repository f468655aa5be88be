const tickMilliseconds = 5;
/** After this process stood still, however long, it is so much. */
const mostAtOnce = 2 * tickMilliseconds;

let ownMilliseconds = 0;
let tickedAt = performance.now();
setInterval(() => {
  const now = performance.now();
  ownMilliseconds += Math.min(now - tickedAt, mostAtOnce);
  tickedAt = now;
}, tickMilliseconds).unref();

/** Stands still while this process does: for bounds that hold however much else the machine has to do. Milliseconds. */
export const ownClock = () => ownMilliseconds;
