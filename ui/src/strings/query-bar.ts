/** Texts of components/query-bar.tsx. */
export const queryBar = {
  search: 'Search',
  passedFalseAndFullTitleOrder: 'passed: false and fullTitle: "Order log in"',
  queryLanguage: 'Query language',
  completions: 'Completions',
};
