/** Texts of services/http.ts. */
export const http = {
  theServerAnswered: (status: string | number) => `the server answered ${status}`,
  theServerCannotBeReached: 'The server cannot be reached.',
  isCanarytraceServeStillRunning: 'Is canarytrace serve still running?',
};
