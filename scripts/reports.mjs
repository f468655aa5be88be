// What vitest's JSON reports say.
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const reportOf = (folder) => join(folder, '.vitest', 'results.json');

/** So that none is read that an earlier run wrote. */
export const forgetReport = (folder) => rmSync(reportOf(folder), { force: true });

/** Counts the tests of the run in a folder; the lines `failed: …` name what failed. Nothing where none was written. */
export function readReport(folder, name) {
  if (!existsSync(reportOf(folder))) return undefined;
  const report = JSON.parse(readFileSync(reportOf(folder), 'utf8'));
  const lines = report.testResults.flatMap(({ name: file, message, assertionResults }) => [
    ...(message ? [`failed: ${name}: ${file}: ${message}`] : []),
    ...assertionResults
      .filter(({ status }) => status === 'failed')
      .map(
        ({ fullName, failureMessages }) =>
          `failed: ${name}: ${fullName}: ${failureMessages[0]?.split('\n')[0]}`,
      ),
  ]);
  const { numPassedTests: passed, numFailedTests, numFailedTestSuites } = report;
  // a file that does not load, or a run without tests, has no failed test
  const failed = numFailedTests || (numFailedTestSuites > 0 || passed === 0 ? 1 : 0);
  return { passed, failed, lines };
}
