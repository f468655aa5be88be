import type { AdapterCase } from './adapter.js';
import { acceptedJwtCases } from './cases/accepted-jwts.js';
import { cacheCases } from './cases/caches.js';
import { challengeCases } from './cases/challenges.js';
import { claimHeaderCases } from './cases/claim-headers.js';
import { claimCases } from './cases/claims.js';
import { clientCertificateCases } from './cases/client-certificates.js';
import { contradictionCases } from './cases/contradictions.js';
import { credentialCases } from './cases/credentials.js';
import { dpopCases } from './cases/dpop.js';
import { faultCases } from './cases/faults.js';
import { flightCases } from './cases/flights.js';
import { freshnessCases } from './cases/freshness.js';
import { introspectionRequestCases } from './cases/introspection-requests.js';
import { issuerCases } from './cases/issuers.js';
import { jsonAnswerCases } from './cases/json-answers.js';
import { jwtAnswerCases } from './cases/jwt-answers.js';
import { methodCases } from './cases/methods.js';
import { mintingCases } from './cases/minting.js';
import { plugInCases } from './cases/plug-ins.js';
import { policyCases } from './cases/policy.js';
import { signedAnswerCases } from './cases/signed-answers.js';
import { statusCases } from './cases/statuses.js';
import { verificationCases } from './cases/verification.js';
import { wireCases } from './cases/wire.js';
import { wrongOptionCases } from './cases/wrong-options.js';

/** How every adapter behaves, over real sockets: `for (const { title, run } of adapterCases) it(title, () => run(serve))`. */
export const adapterCases: readonly AdapterCase[] = [
  ...credentialCases,
  ...methodCases,
  ...wireCases,
  ...challengeCases,
  ...introspectionRequestCases,
  ...jwtAnswerCases,
  ...jsonAnswerCases,
  ...statusCases,
  ...claimCases,
  ...contradictionCases,
  ...policyCases,
  ...verificationCases,
  ...plugInCases,
  ...signedAnswerCases,
  ...mintingCases,
  ...dpopCases,
  ...clientCertificateCases,
  ...acceptedJwtCases,
  ...issuerCases,
  ...claimHeaderCases,
  ...faultCases,
  ...freshnessCases,
  ...cacheCases,
  ...flightCases,
  ...wrongOptionCases,
];
