/** Texts of views/embed.tsx. */
export const embed = {
  theFrameHasNoToken:
    'The frame has no token, or one that has expired or was taken away. Who made the page can make another.',
  thisDashboardCannotBeShown: 'This dashboard cannot be shown here',
};
