/** Texts of components/choice.tsx. */
export const choice = {
  any: (label: string | number) => `Any ${label}`,
};
