/** Texts of panels/draw.ts. */
export const draw = {
  andMore: (rest: string | number) => `and ${rest} more`,
};
