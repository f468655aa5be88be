import type { Instance } from './instance.js';

/** What serves: this process, or several that it watches over. */
export interface Processes extends Omit<Instance, 'close'> {
  isReady(): boolean;
  /** The metrics of all, in Prometheus' text format. */
  collect(): Promise<{ readonly text: string; readonly contentType: string }>;
}
