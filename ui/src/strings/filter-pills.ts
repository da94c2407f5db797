/** Texts of components/filter-pills.tsx. */
export const filterPills = {
  negated: 'not',
  plusFilter: '+ Filter',
  add: 'Add',
  filters: 'Filters',
  filter: (value: string | number, query: string | number) => `Filter ${value}${query}`,
  unpin: 'Unpin',
  pinKeepOnOtherPages: 'Pin: keep on other pages',
  includeWhatMatches: 'Include what matches',
  excludeWhatMatches: 'Exclude what matches',
  switchOn: 'Switch on',
  switchOff: 'Switch off',
  addFilter: 'Add filter',
  monitorShop: 'monitor: "shop"',
};
