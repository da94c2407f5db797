// What a smoke check needs to know of a page, once its load event has ended.
new Promise((resolve) => {
  const deadline = performance.now() + 3000;
  const look = () => {
    const [entry] = performance.getEntriesByType('navigation');
    if (entry && entry.loadEventEnd === 0 && performance.now() < deadline) {
      setTimeout(look, 20);
      return;
    }
    const title = document.querySelector('title');
    resolve({
      href: location.href,
      title: title ? document.title : null,
      load: entry && entry.loadEventEnd > 0 ? entry.loadEventEnd : null,
      text: (document.body ? document.body.innerText : '').slice(0, 200000),
    });
  };
  look();
})
