/** Texts of views/documents.tsx. */
export const documents = {
  chooseALongerTimeAnother: 'Choose a longer time, another index pattern, or a wider query.',
  whatCameBeforeAndAfter: 'What came before and after',
  onlyThese: 'Only these',
  only: (field: string | number, value: string | number) => `Only ${field} ${value}`,
  allButThese: 'All but these',
  without: (field: string | number, value: string | number) => `Not ${field} ${value}`,
  noDocumentMatches: 'No document matches',
  open: 'Open',
  openDocument: 'Open document',
  loadingMore: 'Loading more',
  asATable: 'As a table',
  asJson: 'As JSON',
};
