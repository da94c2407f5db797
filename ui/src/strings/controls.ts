/** Texts of panels/controls.tsx. */
export const controls = {
  nothingToChooseInThis: 'Nothing to choose in this time.',
  all: 'All',
};
