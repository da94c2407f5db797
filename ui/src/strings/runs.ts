/** Texts of views/runs.tsx. */
export const runs = {
  chooseALongerTimeOr: 'Choose a longer time, or another outcome.',
  runs: 'runs',
  showMore: 'Show more',
  started: 'Started',
  whatHappened: 'What happened',
  lcp: 'LCP',
  outcome: 'Outcome',
  noRunMatches: 'No run matches',
};
