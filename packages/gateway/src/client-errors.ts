import type { FramingError } from './framing-guard.js';
import { badRequest, methodNotAllowed, type Refusal } from './refusal.js';

const statuses: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
};

/** A request line whose method may be one (RFC 9110 §9.1), though the parser knows none of that name. */
const anyMethod = /^[!#$%&'*+\-.^_`|~\w]+ /;

/** What is said about the bytes of a client that Node's parser does not take; nothing where no HTTP is spoken. */
export function refusalOf({
  code = '',
  rawPacket,
}: {
  code?: string;
  rawPacket?: Buffer;
}): Refusal | undefined {
  // a failed handshake leaves nothing to say it in
  if (!/^(?:HPE|ERR_HTTP)_/.test(code)) return undefined;
  if (code === 'HPE_INVALID_METHOD' && anyMethod.test(String(rawPacket))) return methodNotAllowed;
  return { ...badRequest, status: statuses[code] ?? 400 };
}

export const framingRefusals: Readonly<Record<FramingError, Refusal>> = {
  malformed: badRequest,
  too_large: { ...badRequest, status: 431 },
};
