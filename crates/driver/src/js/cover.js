// Covers what must not be pictured: password fields, and everything that shows one of `secrets`. Runs in a world of its
// own, so that the page's scripts see neither the secrets nor this code. Answers how many places were covered.
((secrets) => {
  const boxes = [];
  const holds = (text) => typeof text === 'string' && secrets.some((secret) => text.includes(secret));
  const cover = (element, offset) => {
    for (const { left, top, width, height } of element.getClientRects()) {
      if (width > 0 && height > 0) boxes.push([left + offset.left, top + offset.top, width, height]);
    }
  };
  const visit = (element, offset) => {
    if (element.localName === 'iframe') {
      const inner = element.contentDocument;
      const { left, top } = element.getBoundingClientRect();
      if (inner && inner.documentElement) {
        visit(inner.documentElement, { left: left + offset.left + element.clientLeft, top: top + offset.top + element.clientTop });
      } else if (secrets.length > 0) {
        // A frame of another origin cannot be searched.
        cover(element, offset);
      }
      return;
    }
    const field = element.localName === 'input' || element.localName === 'textarea' || element.localName === 'select';
    if (field) {
      if (element.type === 'password' || holds(element.value) || holds(element.placeholder)) cover(element, offset);
      return;
    }
    const children = [...element.children, ...(element.shadowRoot ? element.shadowRoot.children : [])];
    children.forEach((child) => visit(child, offset));
    // The smallest element around a secret is covered, also when the text is spread over its children.
    if (holds(element.textContent) && !children.some((child) => holds(child.textContent))
      && !['script', 'style', 'head', 'title', 'template'].includes(element.localName)) {
      cover(element, offset);
    }
  };
  visit(document.documentElement, { left: 0, top: 0 });
  const layer = document.createElement('div');
  layer.id = 'canarytrace-cover';
  layer.style.cssText = 'all: initial; position: absolute; left: 0; top: 0; z-index: 2147483647;';
  for (const [left, top, width, height] of boxes) {
    const box = document.createElement('div');
    box.style.cssText = `position: absolute; background: #555; left: ${left + scrollX}px; top: ${top + scrollY}px; width: ${width}px; height: ${height}px;`;
    layer.append(box);
  }
  document.documentElement.append(layer);
  return boxes.length;
})
