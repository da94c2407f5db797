/** Texts of components/faces.tsx. */
export const faces = {
  tryAgain: 'Try again',
  loading: 'Loading',
  youMayNotSeeThis: 'You may not see this',
  thisCannotBeShown: 'This cannot be shown',
};
