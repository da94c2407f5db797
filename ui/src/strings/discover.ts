/** Texts of views/discover.tsx. */
export const discover = {
  documents: 'documents',
  aBarIsDrawOver: (range: string | number) => `· a bar is ${range}; draw over the chart to look closer`,
  fields: (fields: string | number) => `Fields (${fields})`,
  noValuesInThisTime: 'No values in this time.',
  basicTestReportCanarytrace: 'Basic test report (canarytrace)',
  discover: 'Discover',
  exportAs: 'Export',
  andDocuments: (total: string | number) => `, ${total} documents`,
  indexPattern: 'Index pattern',
  documentsOverTime: 'Documents over time',
  documentsOverTimeInAll: (total: string | number) => `Documents over time, ${total} in all`,
  findAField: 'Find a field',
  column: (name: string | number) => `Column ${name}`,
  savedSearches: 'Saved searches',
  saveThisSearchAs: 'Save this search as…',
  deleteSearch: (entry: string | number) => `Delete ${entry}`,
};
