/** Texts of services/time.ts. */
export const time = {
  last15Minutes: 'Last 15 minutes',
  lastHour: 'Last hour',
  last4Hours: 'Last 4 hours',
  last24Hours: 'Last 24 hours',
  today: 'Today',
  yesterday: 'Yesterday',
  last7Days: 'Last 7 days',
  last30Days: 'Last 30 days',
  last90Days: 'Last 90 days',
  last: (number: string, unit: string) => `Last ${number} ${unit}`,
};
