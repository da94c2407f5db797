/** Texts of components/outcome.tsx. */
export const outcome = {
  running: 'running',
  thirdParty: 'third party',
  runnerHost: 'runner host',
  theLastRuns: (shown: string | number, said: string | number) => `The last ${shown} runs: ${said}`,
};
