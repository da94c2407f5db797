/** Texts of services/format.ts. */
export const format = {
  ms: (value: string | number) => `${value} ms`,
  minutesWithFraction: (minutes: string | number) => `${minutes} min`,
  sAgo: (seconds: string | number) => `${seconds} s ago`,
  minAgo: (minutes: string | number) => `${minutes} min ago`,
  hAgo: (hours: string | number) => `${hours} h ago`,
  dAgo: (days: string | number) => `${days} d ago`,
  inS: (seconds: string | number) => `in ${seconds} s`,
  inMin: (minutes: string | number) => `in ${minutes} min`,
  inH: (hours: string | number) => `in ${hours} h`,
  min: (minutes: string | number) => `${minutes} min`,
  hMin: (hours: string | number, minutes: string | number) => `${hours} h ${minutes} min`,
};
