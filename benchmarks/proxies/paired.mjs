/**
 * Measures a subject against a baseline in alternating slices, so that what else the machine does falls on both alike.
 * A slice gives `{ rate, busy }`. The first pair warms up and is dropped.
 */
export async function measurePairs(pairs, subject, baseline) {
  const measured = [];
  for (let pair = 0; pair <= pairs; pair++) {
    // whoever goes first changes from pair to pair
    const swapped = pair % 2 === 1;
    const first = await (swapped ? baseline : subject)();
    const second = await (swapped ? subject : baseline)();
    if (pair > 0)
      measured.push(swapped ? { subject: second, baseline: first } : { subject: first, baseline: second });
  }
  const ratios = measured.map((it) => it.subject.rate / it.baseline.rate);
  return {
    ratio: quantile(ratios, 0.5),
    quartiles: [quantile(ratios, 0.25), quantile(ratios, 0.75)],
    subject: medians(measured.map((it) => it.subject)),
    baseline: medians(measured.map((it) => it.baseline)),
  };
}

const medians = (slices) => ({
  rate: quantile(
    slices.map((it) => it.rate),
    0.5,
  ),
  busy: quantile(
    slices.map((it) => it.busy),
    0.5,
  ),
});

function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.round((sorted.length - 1) * share)];
}
