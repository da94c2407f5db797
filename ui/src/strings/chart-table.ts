/** Texts of panels/chart-table.tsx. */
export const chartTable = {
  more: (most: string | number) => `${most} more`,
};
