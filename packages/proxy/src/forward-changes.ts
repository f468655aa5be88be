import type { FieldChanges } from './request-fields.js';

/** How a request ended, for logs and metrics. */
export interface ForwardOutcome {
  /** What the client was answered; 499 when it left first. */
  readonly status: number;
  /** Until the upstream began to answer, or failed to. */
  readonly durationSeconds: number;
  /** Why the upstream gave no answer, or not all of it: a code of Node or undici. */
  readonly error?: string;
}

export interface ForwardChanges extends FieldChanges {
  /** Path and query to ask the upstream for. Default: the request's `url`. */
  readonly target?: string;
  /** Fields added to the answer, names and values in turn. */
  readonly responseFields?: readonly string[];
  /** Called once, when the upstream began to answer, or failed to. */
  readonly onOutcome?: (outcome: ForwardOutcome) => void;
  /** Called where the upstream breaks off after the head of its answer: a code of Node or undici. */
  readonly onBreak?: (error: string) => void;
}
