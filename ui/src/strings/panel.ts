/** Texts of panels/panel.tsx. */
export const panel = {
  nothingMatchesInThisTime: 'Nothing matches in this time. Try a longer one.',
  noData: 'No data',
  gaugeValue: (title: string | number, noData: string | number, max: string | number) =>
    `${title}: ${noData} of ${max}`,
  noDataOfGauge: 'no data',
  seriesEvery: (title: string | number, found: string | number, interval: string | number) =>
    `${title}: ${found} series, every ${interval}`,
};
