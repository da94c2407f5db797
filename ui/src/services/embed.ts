/** A dashboard in a frame of another site's page: it shows what its token may see, and changes nothing. */

export const isEmbedded = window.location.pathname.startsWith('/embed/');

/** In the fragment of the address, which neither a server nor its log ever sees. */
const token = isEmbedded ? new URLSearchParams(window.location.hash.slice(1)).get('token') : null;

export const embedHeaders: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
