export type { AdapterCase, Report, Serve, Served, Sighting } from './adapter.js';
export { adapterCases } from './adapter-cases.js';
export {
  type AnswerBody,
  type AnswerHeaders,
  activeJson,
  choose,
  inTurn,
  json,
  jsonType,
  jwt,
  jwtType,
  noContent,
  reply,
  signed,
  status,
} from './answers.js';
export { type CacheCase, type CacheTraits, cacheContract } from './cache-contract.js';
export { canaries, redact } from './canaries.js';
export { type Clock, createClock, startAt } from './clock.js';
export { documentCases } from './document-cases.js';
export type { DocumentCase, ServeDocument } from './document-stage.js';
export {
  closeAtOnce,
  closeDelimited,
  createGate,
  drip,
  endlessBody,
  type Gate,
  gzipBomb,
  gzipped,
  late,
  neverAnswer,
  redirect,
  resetAtOnce,
  resetHalfway,
  shortBody,
  unfinishedChunks,
} from './faults.js';
export {
  createJwtSigner,
  goodClaims,
  type JwtSigner,
  type Payload,
  sampleSigner,
  signJwt,
  signJwtWithPublicKey,
  unsignedJwt,
} from './jwt-samples.js';
export {
  type RawExchange,
  type RawRequest,
  type RawResponse,
  sendBytes,
  sendRequest,
} from './raw-request.js';
export {
  type Answer,
  type Connection,
  type RecordedRequest,
  type ScriptedServer,
  startScriptedServer,
} from './scripted-server.js';
export { patientSeconds } from './stage.js';
