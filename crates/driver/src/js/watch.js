// Remembers when one of `secrets` could be seen on this page. Runs in a world of its own, before the page's scripts, which
// see neither the secrets nor this code. `canarytraceWatch()` answers `[visible now, last seen at]` (epoch ms, 0 is never).
((secrets) => {
  let seen = 0;
  const holds = (text) => typeof text === 'string' && secrets.some((secret) => text.includes(secret));
  const now = () => performance.timeOrigin + performance.now();
  const isField = (element) => ['input', 'textarea', 'select'].includes(element.localName);
  const shows = (element) => {
    if (isField(element)) return element.type !== 'password' && (holds(element.value) || holds(element.placeholder));
    if (element.localName === 'iframe') {
      const inner = element.contentDocument;
      // A frame of another origin cannot be searched.
      return inner && inner.documentElement ? shows(inner.documentElement) : element.getClientRects().length > 0;
    }
    if (['script', 'style', 'head', 'template'].includes(element.localName)) return false;
    if (element.childElementCount === 0 && !element.shadowRoot) return holds(element.textContent);
    const children = [...element.children, ...(element.shadowRoot ? element.shadowRoot.children : [])];
    // A text may be spread over elements: the whole is asked as well.
    return children.some(shows) || holds(element.innerText ?? element.textContent);
  };
  const changed = (node) => {
    const text = node.nodeType === Node.TEXT_NODE ? node.parentElement?.textContent : node.textContent;
    return holds(text) || (node.nodeType === Node.ELEMENT_NODE && isField(node) && shows(node));
  };
  new MutationObserver((records) => {
    const touched = records.flatMap((record) => (record.type === 'childList' ? [...record.addedNodes] : [record.target]));
    if (touched.some(changed)) seen = now();
  }).observe(document, {
    subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['value', 'placeholder', 'type'],
  });
  document.addEventListener('input', ({ target }) => { if (target instanceof Element && shows(target)) seen = now(); }, true);
  globalThis.canarytraceWatch = () => {
    const visible = document.documentElement ? shows(document.documentElement) : false;
    if (visible) seen = now();
    return [visible, seen];
  };
})
