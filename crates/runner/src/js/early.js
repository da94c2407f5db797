// Before the page's scripts, in a world of its own: keeps what the page's timeline would lose. More resources than the usual
// 250 fit into it, and interactions are seen that end in less than the 104 ms from which on the browser keeps them.
(() => {
  performance.setResourceTimingBufferSize(5000);
  let longest = null;
  let element = null;
  let known = 0;
  // An interaction has several events (pointerdown, pointerup, click); not each of them names what it was made on.
  const note = (entry) => {
    if (!entry.interactionId) return;
    if (!longest || entry.duration > longest.duration) {
      element = longest && longest.interactionId === entry.interactionId ? element : null;
      longest = entry;
    }
    if (entry.interactionId === longest.interactionId) element ??= entry.target;
  };
  const observer = new PerformanceObserver((list) => list.getEntries().forEach(note));
  observer.observe({ type: 'event', durationThreshold: 16 });
  // The longest interaction since the last question; an entry comes only after the next paint, so there is a wait of at most
  // `limit` ms for one.
  globalThis.canarytraceInteraction = async (limit, path) => {
    const count = performance.interactionCount ?? 0;
    const until = performance.now() + limit;
    while (count > known && !longest && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      observer.takeRecords().forEach(note);
    }
    known = count;
    const answer = longest && { duration: longest.duration, element: element && path(element) };
    longest = null;
    element = null;
    return answer;
  };
})()
