/** Index patterns that are offered: what runs leave, and what the listener does. */
export const PATTERNS = [
  'c.report-*',
  'c.run-*',
  'c.request-log-*',
  'c.performance-entries-*',
  'c.vitals-*',
  'c.console-*',
  'c.memory-*',
  'c.coverage-audit-*',
  'c.audit-*',
  'c.smoke-title-*',
  'c.ledger-*',
  'c.env-*',
  'c.listener.events-*',
  'c.*',
];
