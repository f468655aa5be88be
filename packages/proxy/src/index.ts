export type { ForwardChanges, ForwardOutcome } from './forward-changes.js';
export { createForwarder, type Forwarder } from './forwarder.js';
export type { ForwarderOptions } from './forwarder-options.js';
export type { FieldChanges } from './request-fields.js';
