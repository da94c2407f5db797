/** Texts of router.tsx. */
export const router = {
  theAddressMayBeOld: 'The address may be old, or mistyped.',
  thereIsNoSuchPage: 'There is no such page',
};
