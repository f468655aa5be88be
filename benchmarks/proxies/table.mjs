const side = ({ rate, busy }) => `${rate.toFixed(0)} requests/s (${(busy * 100).toFixed(0)} %)`;

export function printHead(slicePairs) {
  console.log(
    `Node ${process.version}; ${slicePairs} alternating pairs of 1 s slices; medians [quartiles]; in parentheses how busy the proxy's core was\n`,
  );
  console.log('| measurement | ratio | goal | | subject | baseline |');
  console.log('| --- | --- | --- | --- | --- | --- |');
}

/** Prints a line; says whether its goal, if it has one, was met. */
export function printRow(name, { ratio, quartiles, subject, baseline }, goal) {
  const isMet = goal === undefined || ratio >= goal;
  const wanted = goal === undefined ? '' : `≥ ${goal}`;
  const verdict = goal === undefined ? '' : isMet ? 'met' : 'MISSED';
  const spread = quartiles.map((it) => it.toFixed(3)).join('–');
  console.log(
    `| ${name} | ${ratio.toFixed(3)} [${spread}] | ${wanted} | ${verdict} | ${side(subject)} | ${side(baseline)} |`,
  );
  return isMet;
}
