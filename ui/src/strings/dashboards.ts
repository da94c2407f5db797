/** Texts of views/dashboards.tsx. */
export const dashboards = {
  importFile: 'Import',
  title: 'Title',
  create: 'Create',
  isNotJson: (name: string | number, error: string | number) => `${name} is not JSON: ${error}`,
  dashboards: 'Dashboards',
  dashboardFile: 'Dashboard file',
  noDashboardYet: 'No dashboard yet',
  newDashboard: 'New dashboard',
  comesWithCanarytrace: 'Comes with canarytrace',
  changed: (updatedAt: string | number) => `Changed ${updatedAt}`,
  moreAbout: (entry: string | number) => `More about ${entry}`,
  remove: 'Delete',
  askDelete: (entry: string | number) => `Delete “${entry}”?`,
};
