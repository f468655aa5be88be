/** After this process stood still, however long, it is one. */
const tickMilliseconds = 5;

let ownMilliseconds = 0;
setInterval(() => {
  ownMilliseconds += tickMilliseconds;
}, tickMilliseconds).unref();

/** Stands still while this process does: for bounds that hold however much else the machine has to do. Milliseconds. */
export const ownClock = () => ownMilliseconds;
