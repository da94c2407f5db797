/** Texts of components/time-picker.tsx. */
export const timePicker = {
  lookAgainEvery: 'Look again every',
  everyS: (refresh: string | number) => `· every ${refresh} s`,
  fromNow2H2026: 'From (now-2h, 2026-11-26T08:00:00Z)',
  to: 'To',
  showThisTime: 'Show this time',
  off: 'Off',
  time: (range: string | number) => `Time: ${range}`,
  notATimeWriteNow: 'Not a time: write now-2h, now/d, or 2026-11-26T08:00:00Z, the first before the second.',
};
