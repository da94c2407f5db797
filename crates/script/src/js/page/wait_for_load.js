// Waits until the navigation entry has its loadEventEnd.
new Promise((resolve) => {
  const look = () => {
    const [entry] = performance.getEntriesByType('navigation');
    if (entry && entry.loadEventEnd > 0) resolve(entry.loadEventEnd);
    else setTimeout(look, 50);
  };
  look();
});
