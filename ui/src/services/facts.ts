import { common } from '../strings/common';
import { facts as say } from '../strings/facts';

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
  const whose = fact.party === 'third-party' || fact.party === 'third' ? say.thirdParty : '';
  const what = fact.error
    ? say.failed(fact.error)
    : fact.pending
      ? say.hadNoAfter(fact.status ? 'end' : 'answer', seconds(fact.durationMs))
      : say.after(fact.status ?? say.noStatus, seconds(fact.durationMs));
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
      page.title ? `“${page.title}”` : say.noTitle,
      page.href,
      page.readyState && page.readyState !== 'complete' ? say.still(page.readyState) : undefined,
      page.passwordField ? say.showsAPasswordField : undefined,
      page.captcha ? say.showsACaptcha : undefined,
    ]
      .filter(Boolean)
      .join(', '),
  control: (control: { url: string; reachable: boolean; detail: string }) =>
    `${control.url} ${control.reachable ? control.detail : say.cannotBeReached(control.detail)}`,
  host: (host: Record<string, number>) =>
    [
      host.cpuPressurePercent === undefined ? undefined : say.waitedForACpuOf(percent(host.cpuPressurePercent)),
      host.othersCpuPercent === undefined ? undefined : say.othersUsedOfIt(percent(host.othersCpuPercent)),
      host.throttledPercent === undefined ? undefined : say.heldBack(percent(host.throttledPercent)),
      host.oomKills ? say.killedForMemory(host.oomKills) : undefined,
    ]
      .filter(Boolean)
      .join(', ') || undefined,
  browser: (browser: { answers: boolean; pageAnswers: boolean; stopped: string[] }) =>
    browser.stopped.length > 0
      ? say.stopped(browser.stopped.join(', '))
      : !browser.answers
        ? say.doesNotAnswer
        : browser.pageAnswers
          ? undefined
          : say.answersItsPageDoesNot,
};

const names: Record<string, string> = {
  certainty: say.certainty,
  control: say.controlUrl,
  errorName: common.error,
  netError: say.networkError,
  page: common.page,
  requests: common.requests,
  exceptions: say.exceptions,
  host: say.thisMachine,
  browser: common.browser,
  status: say.status,
  url: 'URL',
  phase: say.phase,
  place: say.placeInTheScript,
  awaiting: say.waitedIn,
  lookup: say.ourResolver,
  dialog: say.dialog,
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
