// One way to break each rule of core: [what is broken, text that core's sources have once, text in its place], and the
// file that is meant where several have the text.

import { answers } from './mutants/answers.mjs';
import { caches } from './mutants/caches.mjs';
import { certificates } from './mutants/certificates.mjs';
import { dpop } from './mutants/dpop.mjs';
import { dpopProofs } from './mutants/dpop-proofs.mjs';
import { exchange } from './mutants/exchange.mjs';
import { minting } from './mutants/minting.mjs';
import { passingOn } from './mutants/passing-on.mjs';
import { signedAnswers } from './mutants/signed-answers.mjs';
import { tokens } from './mutants/tokens.mjs';
import { verification } from './mutants/verification.mjs';

export const mutants = [
  ...tokens,
  ...exchange,
  ...answers,
  ...verification,
  ...signedAnswers,
  ...minting,
  ...dpop,
  ...dpopProofs,
  ...certificates,
  ...passingOn,
  ...caches,
];
