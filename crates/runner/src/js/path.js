// The shortest path that a person recognises: up to the nearest id, at most five elements.
((element) => {
  const parts = [];
  for (let node = element; node && node.nodeType === 1 && parts.length < 5; node = node.parentElement) {
    if (node.id) {
      parts.unshift(`#${node.id}`);
      break;
    }
    const name = typeof node.className === 'string' ? node.className.trim().split(/\s+/)[0] : '';
    parts.unshift(node.localName + (name ? `.${name}` : ''));
  }
  return parts.join(' > ').slice(0, 300) || null;
})
