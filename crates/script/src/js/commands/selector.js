// WebdriverIO's selector strategies: what a selector text means in WebDriver's terms.
(own) => {
  const DIRECT = /^(id|css selector|xpath|link text|partial link text|name|tag name|class name):([\s\S]+)/;
  const WITH_TEXT =
    /^([a-z0-9|-]*)(?:(\.|#)(-?[_a-zA-Z]+[_a-zA-Z0-9-]*))?(?:\[(-?[_a-zA-Z]+[_a-zA-Z0-9-]*)(?:=(?:"|')([a-zA-Z0-9\-_. ]+)(?:"|'))?\])?(\.)?(\*)?=([\s\S]+)$/;
  const UPPER = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ';

  // XPath 1.0 has no escape in a literal: a text with both quotes is put together.
  const literal = (text) => {
    if (!text.includes('"')) return `"${text}"`;
    if (!text.includes("'")) return `'${text}'`;
    return `concat(${text
      .split('"')
      .map((part) => `"${part}"`)
      .join(`, '"', `)})`;
  };

  const withText = (match) => {
    const [, tag, mark, name, attribute, value, insensitive, partial, text] = match;
    const node = tag || '*';
    const conditions = [];
    if (mark === '.') conditions.push(`contains(concat(" ", @class, " "), " ${name} ")`);
    if (mark === '#') conditions.push(`contains(@id, "${name}")`);
    if (attribute) conditions.push(value ? `contains(@${attribute}, "${value}")` : `@${attribute}`);
    const lower = (what) => `translate(${what}, "${UPPER}", "${UPPER.toLowerCase()}")`;
    const wanted = literal(insensitive ? text.toLowerCase() : text);
    const at = (all) => `.//${node}[${all.join(' and ')}]`;
    if (partial) {
      // The innermost element that has the text, not each of its ancestors.
      const inner = `not(.//${node}${conditions.length ? `[${[...conditions, `contains(${insensitive ? lower('.') : '.'}, ${wanted})`].join(' and ')}]` : `[contains(${insensitive ? lower('.') : '.'}, ${wanted})]`})`;
      return at([...conditions, `contains(${insensitive ? lower('.') : '.'}, ${wanted})`, inner]);
    }
    const own = at([...conditions, `normalize-space(${insensitive ? lower('text()') : 'text()'}) = ${wanted}`]);
    return `${own} | ${at([...conditions, `not(${own})`, `normalize-space(${insensitive ? lower('.') : '.'}) = ${wanted}`])}`;
  };

  // What gives an element its accessible name, most common sources.
  const labelled = (name) => {
    const text = literal(name);
    const is = (expression) => `${expression} = ${text}`;
    return [
      `.//*[@aria-labelledby = (//*[${is('normalize-space(text())')}]/@id)]`,
      `.//*[@aria-describedby = (//*[${is('normalize-space(text())')}]/@id)]`,
      `.//*[${is('@aria-label')}]`,
      ...['input', 'textarea', 'select'].flatMap((tag) => [
        `.//${tag}[@id = (//label[${is('normalize-space()')}]/@for)]`,
        `.//${tag}[ancestor::label[${is('normalize-space(text())')}]]`,
      ]),
      ...['input', 'textarea'].flatMap((tag) => [
        `.//${tag}[${is('@placeholder')}]`,
        `.//${tag}[${is('@aria-placeholder')}]`,
      ]),
      `.//*[not(self::label)][${is('@title')}]`,
      `.//img[${is('@alt')}]`,
      `.//*[not(self::label)][${is('normalize-space(text())')}]`,
    ].join(' | ');
  };

  const byRole = (role) => {
    const elements = [];
    for (const { name, attributes } of own.library('roles').roleElements.get(role) ?? []) {
      const [attribute] = (attributes ?? []).slice(-1);
      elements.push(attribute ? `${name}[${attribute.name}${attribute.value ? `="${attribute.value}"` : ''}]` : name);
    }
    return [`[role="${role}"]`, ...elements].join(',');
  };

  // Answers `{using, value}`; `using` is a WebDriver strategy or `deep`.
  own.locator = (selector) => {
    const css = (value) => ({ using: 'css selector', value });
    const xpath = (value) => ({ using: 'xpath', value });
    const direct = DIRECT.exec(selector);
    if (direct) {
      const [, using, value] = direct;
      if (using === 'id') return css(`[id="${value}"]`);
      if (using === 'name') return css(`[name="${value}"]`);
      if (using === 'class name') return css(`.${value}`);
      return { using, value };
    }
    if (
      ['/', '(', '../', './', '*/'].some((start) => selector.startsWith(start)) ||
      selector === '..' ||
      selector === '.'
    )
      return xpath(selector);
    if (selector.startsWith('=')) return { using: 'link text', value: selector.slice(1) };
    if (selector.startsWith('*=')) return { using: 'partial link text', value: selector.slice(2) };
    if (selector.startsWith('id=')) return css(`[id="${selector.slice(3)}"]`);
    if (selector.startsWith('>>>')) return { using: 'deep', value: selector.slice(3).trim() };
    if (selector.startsWith('aria/')) return xpath(labelled(selector.slice(5)));
    if (selector.startsWith('~')) return css(`[aria-label="${selector.slice(1)}"]`);
    if (/^<[0-9a-zA-Z-]+( *\/)*>$/.test(selector))
      return { using: 'tag name', value: selector.replace(/[<>/\s]/g, '') };
    if (/^\[role=[A-Za-z]+]$/.test(selector)) return css(byRole(selector.slice(6, -1)));
    const match = WITH_TEXT.exec(selector);
    return match ? xpath(withText(match)) : css(selector);
  };
};
