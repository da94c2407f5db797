// Reads the page's performance timeline. `quiet` > 0: first waits until the load event is over and nothing was painted,
// shifted or fetched for so long (ms), or until `limit` has passed: `load` is not the end, the largest paint may follow.
// `path` names an element. In a world of its own only entries come that it has not read before, unless `all` of them are asked for:
// a page may have thousands, and every step reads.
(async (quiet, limit, path, all) => {
  const started = performance.now();
  // When something was seen last: what came before this began counts from its own time.
  let last = 0;
  const observe = (options, each) => {
    try {
      const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          each(entry);
          last = Math.max(last, entry.startTime + entry.duration);
        }
      });
      observer.observe({ buffered: true, ...options });
      return observer;
    } catch {
      return null;
    }
  };
  let lcp = null;
  // CLS: the largest sum of shifts in a window of at most 5 s with gaps below 1 s.
  let cls = 0;
  let windowSum = 0;
  let windowStart = 0;
  let windowEnd = 0;
  const shifts = [];
  const tasks = [];
  const frames = [];
  const watch = () => [
    observe({ type: 'largest-contentful-paint' }, (entry) => { lcp = entry; }),
    observe({ type: 'layout-shift' }, (entry) => {
      if (entry.hadRecentInput) return;
      if (entry.startTime - windowEnd > 1000 || entry.startTime - windowStart > 5000) {
        windowSum = 0;
        windowStart = entry.startTime;
      }
      windowSum += entry.value;
      windowEnd = entry.startTime;
      cls = Math.max(cls, windowSum);
      shifts.push(entry);
    }),
    observe({ type: 'longtask' }, (entry) => { tasks.push(entry.duration); }),
    observe({ type: 'long-animation-frame' }, (entry) => { frames.push(entry.duration); }),
    observe({ type: 'resource' }, () => {}),
  ];
  // A paint follows an interaction within this, ms; longer ones are found by the next step.
  const INTERACTION_LIMIT = 100;
  // So soon everything that was seen before has been told.
  const FIRST_LOOK = 20;
  const navigation = () => performance.getEntriesByType('navigation')[0];
  const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  const interacted = () => globalThis.canarytraceInteraction?.(INTERACTION_LIMIT, path);
  let interaction = quiet > 0 ? null : await interacted();
  // Vitals belong to a visit or an interaction: most steps have neither.
  const observers = quiet > 0 || interaction ? watch() : [];
  if (observers.length > 0) await sleep(quiet > 0 ? FIRST_LOOK : 0);
  while (quiet > 0 && performance.now() - started < limit) {
    const entry = navigation();
    const loaded = !entry || entry.loadEventEnd > 0;
    const since = Math.max(last, entry ? entry.loadEventEnd : 0);
    const rest = loaded ? quiet - (performance.now() - since) : 50;
    if (rest <= 0) break;
    await sleep(rest);
  }
  observers.forEach((observer) => observer && observer.disconnect());
  if (quiet > 0) interaction = await interacted();
  const timeline = performance.getEntries();
  const known = (!all && globalThis.canarytraceEntries) || new Set();
  globalThis.canarytraceEntries = new Set(timeline);
  const { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize } = performance.memory || {};
  const entry = navigation();
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  const longest = (list) => list.reduce((most, duration) => Math.max(most, duration), 0);
  shifts.sort((a, b) => b.value - a.value);
  return JSON.stringify({
    origin: performance.timeOrigin,
    entries: timeline.filter((item) => !known.has(item)).map((item) => item.toJSON()),
    heap: usedJSHeapSize ? { jsHeapSizeLimit, totalJSHeapSize, usedJSHeapSize } : null,
    interaction,
    vitals: {
      lcp: lcp ? lcp.startTime : null, cls, fcp: paint ? paint.startTime : null,
      ttfb: entry ? entry.responseStart : null,
      load: entry && entry.loadEventEnd > 0 ? entry.loadEventEnd : null, url: location.href,
    },
    detail: {
      navigationType: entry ? entry.type : null,
      domContentLoaded: entry && entry.domContentLoadedEventEnd > 0 ? entry.domContentLoadedEventEnd : null,
      lcpElement: lcp && lcp.element ? path(lcp.element) : null,
      lcpUrl: lcp && lcp.url ? lcp.url.slice(0, 2000) : null,
      lcpSize: lcp ? lcp.size : null,
      clsShifts: shifts.slice(0, 5).map((shift) => ({
        value: shift.value,
        startTime: shift.startTime,
        sources: (shift.sources || []).slice(0, 3).map((source) => source.node && path(source.node)).filter(Boolean),
      })),
      longTasks: tasks.length,
      longestTask: longest(tasks),
      blockingTime: tasks.reduce((sum, duration) => sum + Math.max(0, duration - 50), 0),
      longFrames: frames.length,
      longestFrame: longest(frames),
      serverTiming: entry && entry.serverTiming
        ? entry.serverTiming.slice(0, 20).map(({ name, duration, description }) => ({ name, duration, description })) : [],
    },
  });
})
