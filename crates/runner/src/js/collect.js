// Reads the page's performance timeline. `quiet` > 0: first waits until the load event is over and nothing was painted,
// shifted or fetched for so long (ms), or until `limit` has passed: `load` is not the end, the largest paint may follow.
(async (quiet, limit) => {
  const started = performance.now();
  let lcp = null;
  let shifts = 0;
  let last = performance.now();
  const observe = (type, each) => {
    try {
      const observer = new PerformanceObserver((list) => {
        list.getEntries().forEach(each);
        last = performance.now();
      });
      observer.observe({ type, buffered: true });
      return observer;
    } catch {
      return null;
    }
  };
  // CLS: the largest sum of shifts in a window of at most 5 s with gaps below 1 s.
  let windowSum = 0;
  let windowStart = 0;
  let windowEnd = 0;
  const observers = [
    observe('largest-contentful-paint', (entry) => { lcp = entry.startTime; }),
    observe('layout-shift', (entry) => {
      if (entry.hadRecentInput) return;
      if (entry.startTime - windowEnd > 1000 || entry.startTime - windowStart > 5000) {
        windowSum = 0;
        windowStart = entry.startTime;
      }
      windowSum += entry.value;
      windowEnd = entry.startTime;
      shifts = Math.max(shifts, windowSum);
    }),
    observe('resource', () => {}),
  ];
  const navigation = () => performance.getEntriesByType('navigation')[0];
  const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
  await sleep(0);
  while (quiet > 0 && performance.now() - started < limit) {
    const entry = navigation();
    const loaded = !entry || entry.loadEventEnd > 0;
    const since = Math.max(last, entry ? entry.loadEventEnd : 0);
    const rest = loaded ? quiet - (performance.now() - since) : 50;
    if (rest <= 0) break;
    await sleep(rest);
  }
  observers.forEach((observer) => observer && observer.disconnect());
  const entry = navigation();
  const paint = performance.getEntriesByName('first-contentful-paint')[0];
  return JSON.stringify({
    origin: performance.timeOrigin,
    entries: performance.getEntries().map((item) => item.toJSON()),
    vitals: {
      lcp, cls: shifts, fcp: paint ? paint.startTime : null, ttfb: entry ? entry.responseStart : null,
      load: entry && entry.loadEventEnd > 0 ? entry.loadEventEnd : null, url: location.href,
    },
  });
})
