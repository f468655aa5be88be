import type { AdapterCase } from './adapter.js';
import type { ExpectedSighting } from './assertions.js';
import type { ExpectedAnswer } from './expected-answers.js';
import { onStage, type Sent, type Setting, type Stage } from './stage.js';

/** One request: what is sent, what the authorization server says, and what comes of it. */
export interface Row extends Setting {
  /** Default: GET with the canary token. */
  readonly sends?: Sent;
  /** The refusal that the client gets. Absent: the request passes. */
  readonly gets?: ExpectedAnswer;
  /** What the handler sees of a request that passes. */
  readonly sees?: ExpectedSighting;
  /** Introspections that it takes. Default 1. */
  readonly calls?: number;
}

export function row(title: string, { sends, gets, sees, calls = 1, ...setting }: Row): AdapterCase {
  return scene(title, setting, async (stage) => {
    await (gets ? stage.refuses(gets, sends) : stage.passes(sends, sees));
    stage.asked(calls);
  });
}

/** Several requests, or one that needs more than data. */
export function scene(
  title: string,
  setting: Setting,
  play: (stage: Stage) => Promise<unknown>,
): AdapterCase {
  return { title, run: (serve) => onStage(serve, setting, play) };
}
