/** Addresses, shortened for people. Pure. */

/** A run that kept its attachments in a bucket names them by address: the server has them by their last part. */
export const attachment = (uuid: string, name: string): string =>
  `/api/v1/attachments/${uuid}/${encodeURIComponent(name.split('/').at(-1) ?? name)}`;

export function shortUrl(url: string): string {
  if (!URL.canParse(url)) return url;
  const parsed = new URL(url);
  if (parsed.protocol === 'data:') return `${url.slice(0, 40)}…`;
  const path = parsed.pathname + parsed.search;
  return path === '/' ? parsed.host : path;
}

export const hostOf = (url: string): string => (URL.canParse(url) ? new URL(url).host : '');
