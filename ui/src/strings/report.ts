/** Texts of views/report.tsx. */
export const report = {
  week: 'Week',
  month: 'Month',
  dailyReport: 'Daily report',
  period: 'Period',
  day: 'Day',
  reportOf: (day: string | number) => `Report of ${day}`,
};
