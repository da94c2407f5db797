/** A dashboard in a frame of another site's page: it shows what its token may see, and changes nothing. */

/** Nowhere in unit tests, which have no window. */
const { pathname, hash } = globalThis.location ?? { pathname: '/', hash: '' };

export const isEmbedded = pathname.startsWith('/embed/');

/** In the fragment of the address, which neither a server nor its log ever sees. */
const token = isEmbedded ? new URLSearchParams(hash.slice(1)).get('token') : null;

export const embedHeaders: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
