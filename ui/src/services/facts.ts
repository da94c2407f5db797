/** The facts of a verdict in words: what it was decided on, for a person. */

type Facts = Record<string, unknown>;

interface RequestFact {
  url: string;
  party: string;
  status?: number;
  error?: string;
  pending?: boolean;
  durationMs: number;
}

const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;

const percent = (value: unknown) => `${Math.round(Number(value))} %`;

function request(fact: RequestFact): string {
  const whose = fact.party === 'third-party' || fact.party === 'third' ? ' (third party)' : '';
  const what = fact.error
    ? `failed: ${fact.error}`
    : fact.pending
      ? `had no ${fact.status ? 'end' : 'answer'} after ${seconds(fact.durationMs)}`
      : `${fact.status ?? 'no status'} after ${seconds(fact.durationMs)}`;
  return `${fact.url}${whose} ${what}`;
}

/** How each kind of fact is said; none: it says nothing new. */
const words: Record<string, (value: never) => string | undefined> = {
  requests: (list: RequestFact[]) => list.map(request).join('\n'),
  // The same in fewer words.
  failedRequests: () => undefined,
  exceptions: (list: { text: string; url?: string }[]) =>
    list.map((thrown) => (thrown.url ? `${thrown.text} (${thrown.url})` : thrown.text)).join('\n'),
  page: (page: { href: string; title?: string; passwordField?: boolean; captcha?: boolean; readyState?: string }) =>
    [
      page.title ? `“${page.title}”` : 'no title',
      page.href,
      page.readyState === 'complete' ? undefined : `still ${page.readyState}`,
      page.passwordField ? 'shows a password field' : undefined,
      page.captcha ? 'shows a captcha' : undefined,
    ]
      .filter(Boolean)
      .join(', '),
  control: (control: { url: string; reachable: boolean; detail: string }) =>
    `${control.url} ${control.reachable ? control.detail : `cannot be reached: ${control.detail}`}`,
  host: (host: Record<string, number>) =>
    [
      host.cpuPressurePercent === undefined
        ? undefined
        : `waited for a CPU ${percent(host.cpuPressurePercent)} of the time`,
      host.othersCpuPercent === undefined ? undefined : `others used ${percent(host.othersCpuPercent)} of it`,
      host.throttledPercent === undefined ? undefined : `held back ${percent(host.throttledPercent)}`,
      host.oomKills ? `${host.oomKills} killed for memory` : undefined,
    ]
      .filter(Boolean)
      .join(', ') || undefined,
  browser: (browser: { answers: boolean; pageAnswers: boolean; stopped: string[] }) =>
    browser.stopped.length > 0
      ? `stopped: ${browser.stopped.join(', ')}`
      : !browser.answers
        ? 'does not answer'
        : browser.pageAnswers
          ? undefined
          : 'answers, its page does not',
};

const names: Record<string, string> = {
  certainty: 'Certainty',
  control: 'Control URL',
  errorName: 'Error',
  netError: 'Network error',
  page: 'Page',
  requests: 'Requests',
  exceptions: 'Exceptions',
  host: 'This machine',
  browser: 'Browser',
  status: 'Status',
  url: 'URL',
  phase: 'Phase',
  place: 'Place in the script',
  awaiting: 'Waited in',
  lookup: 'Our resolver',
  dialog: 'Dialog',
};

/** Pairs of name and text, in the order that explains. */
export function explain(facts: Facts): [string, string][] {
  const order = Object.keys(names);
  const rank = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return Object.entries(facts)
    .sort(([a], [b]) => rank(a) - rank(b))
    .flatMap(([name, value]): [string, string][] => {
      const say = words[name];
      const text = say ? say(value as never) : typeof value === 'object' ? JSON.stringify(value) : String(value);
      return text ? [[names[name] ?? name, text]] : [];
    });
}
