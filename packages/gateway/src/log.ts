import pino from 'pino';

export type Log = pino.Logger;

/** JSON lines on standard output: `level` as a word, `msg`, and what belongs to it. Control characters are escaped. */
export const createLog = (
  level: string,
  destination: pino.DestinationStream = pino.destination({ dest: 1, sync: true }),
): Log =>
  pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
