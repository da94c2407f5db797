/** Texts of views/embed-dialog.tsx. */
export const embedDialog = {
  noPageMayShowIt: 'No page may show it yet: start the server with {1}, the address of the page that will.',
  putThisIntoTheOther: (whoeverHasItSeesThis: string | number) =>
    `Put this into the other page. ${whoeverHasItSeesThis}`,
  htmlOfTheFrame: 'HTML of the frame',
  copy: 'Copy',
  theTokenIsTakenAway: 'The token is taken away on the page Access.',
  daysUntilItExpiresEmpty: 'Days until it expires (empty: never)',
  makeATokenForThis: 'Make a token for this dashboard',
  frame: (body: string | number) => `Frame: ${body}`,
  embed: (body: string | number) => `Embed ${body}`,
  whoeverHasItSeesThis: 'Whoever has it sees this dashboard; it is not shown again.',
};
