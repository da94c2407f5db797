// The page as it is shown now, as one HTML text that opens without network: its styles are written into it, its scripts
// are left out, fields keep what was typed into them (password fields do not).
((limit, secrets) => {
  const holds = (text) => secrets.some((secret) => text.includes(secret));
  // A secret may be spread over the children of an element, where no search of the text finds it.
  const mask = (element) => {
    const children = [...element.children];
    children.forEach(mask);
    if (holds(element.textContent) && !children.some((child) => holds(child.textContent))) element.textContent = '********';
  };
  const rules = (sheet) => {
    try {
      return [...sheet.cssRules].map((rule) => rule.cssText).join('\n');
    } catch {
      return '';
    }
  };
  const typed = new Map();
  let number = 0;
  for (const field of document.querySelectorAll('input, textarea, select')) {
    number += 1;
    field.setAttribute('data-canarytrace', String(number));
    typed.set(String(number), field);
  }
  const copy = document.documentElement.cloneNode(true);
  for (const field of document.querySelectorAll('[data-canarytrace]')) field.removeAttribute('data-canarytrace');
  for (const field of copy.querySelectorAll('[data-canarytrace]')) {
    const original = typed.get(field.getAttribute('data-canarytrace'));
    field.removeAttribute('data-canarytrace');
    if (original.type === 'password') {
      field.removeAttribute('value');
    } else if (original.type === 'checkbox' || original.type === 'radio') {
      field.toggleAttribute('checked', original.checked);
    } else if (original.localName === 'textarea') {
      field.textContent = original.value;
    } else if (original.localName === 'select') {
      [...field.options].forEach((option, position) => option.toggleAttribute('selected', original.options[position].selected));
    } else {
      field.setAttribute('value', original.value);
    }
  }
  copy.querySelectorAll('script, noscript, link[rel~=stylesheet], link[rel~=preload], link[rel~=modulepreload], style, #canarytrace-cover').forEach((element) => element.remove());
  for (const element of copy.querySelectorAll('*')) {
    for (const { name } of [...element.attributes]) if (name.startsWith('on')) element.removeAttribute(name);
  }
  if (secrets.length > 0) mask(copy);
  const styles = [...document.styleSheets, ...(document.adoptedStyleSheets || [])].map(rules).join('\n');
  const head = copy.querySelector('head') || copy.insertBefore(document.createElement('head'), copy.firstChild);
  const style = document.createElement('style');
  style.textContent = styles;
  const base = document.createElement('base');
  base.href = document.baseURI;
  head.prepend(base);
  head.append(style);
  const doctype = document.doctype ? `<!doctype ${document.doctype.name}>\n` : '';
  return `${doctype}<!-- ${location.href.replace(/--/g, '- -')} -->\n${copy.outerHTML}`.slice(0, limit);
})
