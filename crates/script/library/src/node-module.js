// What a package asks its own package.json for is its version, for a name of its own.
export const createRequire = () => () => ({ version: '0' });
