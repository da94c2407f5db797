// The commands of an element.
(own) => {
  const { poll, CommandError } = own;
  const {
    ELEMENT_KEY,
    protocol,
    define,
    run,
    execute,
    find,
    forget,
    takeSaid,
    reference,
    revive,
    isElement,
    RESOLVE,
    script,
  } = own.elements;
  const id = (element) => element.elementId;

  // Questions and waits.
  const SHOWN = { withinViewport: false, contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true };
  const existing = async (element) => {
    if (!element.locate)
      return protocol('getElementTagName', id(element)).then(
        () => true,
        () => false,
      );
    const before = id(element);
    if (
      before &&
      (await protocol('getElementTagName', before).then(
        () => true,
        () => false,
      ))
    )
      return true;
    forget(element);
    return find(element);
  };
  const displayed = async (element, given) => {
    if (!id(element) && !(await existing(element))) return false;
    const check = () => execute(own.page.isDisplayed, element, { ...SHOWN, ...given });
    try {
      return await check();
    } catch (error) {
      if (!/stale element reference/.test(`${error?.name} ${error?.message}`)) throw error;
      return (await existing(element)) ? check() : false;
    }
  };
  const clickable = async (element) => (await displayed(element)) && execute(own.page.isClickable, element);
  define('isExisting', existing);
  define('isDisplayed', displayed);
  define('isDisplayedInViewport', (element) => displayed(element, { withinViewport: true }));
  define('isVisible', (element) => displayed(element));
  define('isClickable', clickable);
  define('isEnabled', (element) => protocol('isElementEnabled', id(element)));
  define('isSelected', (element) => protocol('isElementSelected', id(element)));
  define('isFocused', (element) =>
    execute((node) => {
      let active = document.activeElement;
      while (active?.shadowRoot?.activeElement && active !== node) active = active.shadowRoot.activeElement;
      return node === active;
    }, element),
  );
  define('isStable', async (element) =>
    revive(
      await own.call('protocol', {
        name: 'executeAsyncScript',
        args: [script(own.page.isStable), await reference([element])],
      }),
    ),
  );
  define('isEqual', async (element, other) => {
    const target = other?.[RESOLVE] ? await other[RESOLVE]() : other;
    return execute((one, two) => one === two, element, { [ELEMENT_KEY]: target.elementId }).catch(() => false);
  });

  // Both the options object and the older positional form `(milliseconds, reverse, message)`.
  const waiting = (first, reverse, timeoutMsg, interval) =>
    first !== null && typeof first === 'object'
      ? first
      : { timeout: first ?? undefined, reverse: Boolean(reverse), timeoutMsg, interval };
  const waitFor = (name, word, check, prepare) =>
    define(name, async (element, ...args) => {
      const given = waiting(...args);
      const { timeout, interval, reverse = false, timeoutMsg } = given;
      const message = (limit) =>
        timeoutMsg ??
        `element ("${element.selector}") still ${reverse ? '' : 'not '}${word}${given.withinViewport ? ' within viewport' : ''} after ${limit}ms`;
      if (prepare && !id(element) && !reverse) await prepare(element, { timeout, interval, message });
      await poll(async () => (await check(element, given)) !== reverse, { timeout, interval, message });
      return name === 'waitForStable' ? undefined : true;
    });
  const reason = (error) =>
    new CommandError('element', `waitUntil condition failed with the following reason: ${error?.message ?? error}`);
  const lenient = (check) => async (element, given) => {
    try {
      return await check(element, given);
    } catch (error) {
      if (!own.elements.isStale(error)) throw reason(error);
      forget(element);
      return false;
    }
  };
  waitFor('waitForExist', 'existing', existing);
  waitFor('waitForDisplayed', 'displayed', lenient(displayed));
  waitFor('waitForVisible', 'displayed', lenient(displayed));
  waitFor('waitForClickable', 'clickable', lenient(clickable));
  waitFor(
    'waitForEnabled',
    'enabled',
    lenient(async (element) => (id(element) || (await find(element))) && protocol('isElementEnabled', id(element))),
    (element, wait) => poll(() => existing(element), wait),
  );
  waitFor(
    'waitForStable',
    'stable',
    lenient(
      async (element) =>
        (id(element) || (await find(element))) && own.elements.commands.get('isStable').action(element),
    ),
  );
  define('waitUntil', (element, ...args) => own.waitUntil(element, ...args), { holds: false });

  // Doing.
  const BUTTONS = { left: 0, middle: 1, right: 2 };
  const center = (element) => run(element, 'scrollIntoView', { block: 'center', inline: 'center' });
  const clickAt = async (element, { button = 0, x = 0, y = 0, skipRelease = false, duration = 0 }) => {
    if (!Number.isInteger(x) || !Number.isInteger(y))
      throw new CommandError('script', 'Coordinates must be integers', 'TypeError');
    if (![0, 1, 2, 'left', 'middle', 'right'].includes(button))
      throw new CommandError('script', 'Button type not supported.');
    const number = BUTTONS[button] ?? button;
    const press = () =>
      own.actions
        .pointer()
        .move({ origin: element, x, y })
        .down({ button: number })
        .pause(duration)
        .up({ button: number })
        .performNow(skipRelease);
    try {
      return await press();
    } catch {
      await center(element);
      return press();
    }
  };
  define('click', async (element, given) => {
    if (given !== undefined) {
      if (given === null || typeof given !== 'object' || Array.isArray(given))
        throw new CommandError('script', 'Options must be an object', 'TypeError');
      return clickAt(element, given);
    }
    try {
      return await protocol('elementClick', id(element));
    } catch (error) {
      if (error?.name !== 'element click intercepted') throw error;
      await center(element);
      return protocol('elementClick', id(element));
    }
  });
  define('doubleClick', (element) =>
    own.actions.pointer().move({ origin: element }).down().up().pause(10).down().up().performNow(),
  );
  define('moveTo', async (element, first = {}, second) => {
    const { xOffset, yOffset } =
      first !== null && typeof first === 'object' ? first : { xOffset: first, yOffset: second };
    const move = () =>
      own.actions
        .pointer()
        .move({ origin: element, x: xOffset || 0, y: yOffset || 0 })
        .performNow();
    try {
      return await move();
    } catch {
      await center(element);
      return move();
    }
  });
  define('dragAndDrop', async (element, target, { duration = 10 } = {}) => {
    const to = target?.[RESOLVE] ? await target[RESOLVE]() : target;
    const point = to && typeof to.x === 'number' && typeof to.y === 'number';
    if (!isElement(to) && !point)
      throw new CommandError(
        'script',
        'command dragAndDrop requires an WebdriverIO Element or and object with "x" and "y" variables as first parameter',
      );
    const end = isElement(to) ? { origin: to, x: 0, y: 0 } : { origin: 'pointer', x: to.x, y: to.y };
    return own.actions
      .pointer()
      .move({ duration: 0, origin: element, x: 0, y: 0 })
      .down({ button: 0 })
      .pause(10)
      .move({ duration, ...end })
      .up({ button: 0 })
      .performNow();
  });
  define('addValue', (element, value) => {
    const text = Array.isArray(value) ? value.map((item) => own.keyNames[item] ?? item).join('') : value;
    if (!['string', 'number'].includes(typeof text))
      throw new CommandError(
        'script',
        'The setValue/addValue command only take string or number values. If you like to use special characters, use the "keys" command.',
      );
    return protocol('elementSendKeys', id(element), String(text));
  });
  define('clearValue', (element) => protocol('elementClear', id(element)));
  define('setValue', async (element, value) => {
    await protocol('elementClear', id(element));
    return run(element, 'addValue', value);
  });
  // By the wheel, as a person does; by the page's own function where that does not bring it into view.
  define('scrollIntoView', async (element, given = { block: 'start', inline: 'nearest' }) => {
    const wanted =
      typeof given === 'boolean'
        ? { block: given ? 'start' : 'end', inline: 'nearest' }
        : { block: 'start', inline: 'start', ...given };
    const measure = () => execute(own.page.scrollDistance, element, wanted);
    const turn = ({ x, y }) =>
      own.actions.wheel().scroll({ x: 0, y: 0, deltaX: x, deltaY: y, origin: element, duration: 0 }).performNow();
    const byPage = () => execute((node, how) => node.scrollIntoView(how), element, given);
    try {
      let distance = await measure();
      if (distance.seen && distance.x === 0 && distance.y === 0) return;
      if (!distance.seen) {
        // The driver brings what the wheel is turned over into view itself.
        await turn({ x: 0, y: 0 });
        distance = await measure();
      }
      if (distance.x !== 0 || distance.y !== 0) await turn(distance);
      await own.call('protocol', {
        name: 'executeAsyncScript',
        args: [script(own.page.standsStill), await reference([element])],
      });
      if (!(await measure()).seen) await byPage();
    } catch (error) {
      if (own.elements.isStale(error)) throw error;
      await byPage();
    }
  });
  define('touchAction', () => {
    throw new CommandError(
      'script',
      'touchAction belongs to mobile devices; use browser.action("pointer", { parameters: { pointerType: "touch" } })',
    );
  });

  // Selects.
  const optionBy = (element, xpath, message) =>
    poll(
      async () => {
        const found = await protocol('findElementsFromElement', id(element), 'xpath', xpath);
        return found[0]?.[ELEMENT_KEY];
      },
      { message: () => message },
    );
  define('selectByAttribute', async (element, attribute, value) => {
    const text = String(value).trim();
    const is = `[normalize-space(@${attribute.trim()}) = "${text}"]`;
    return protocol(
      'elementClick',
      await optionBy(
        element,
        `./option${is}|./optgroup/option${is}`,
        `Option with attribute "${attribute}=${value}" not found.`,
      ),
    );
  });
  define('selectByIndex', async (element, index) => {
    if (index < 0) throw new CommandError('script', 'Index needs to be 0 or any other positive number');
    let count = 0;
    const option = await poll(
      async () => {
        const found = await protocol('findElementsFromElement', id(element), 'css selector', 'option');
        count = found.length;
        return found[index]?.[ELEMENT_KEY];
      },
      {
        message: () =>
          count === 0
            ? "Select element doesn't contain any option element"
            : `Option with index "${index}" not found. Select element only contains ${count} option elements`,
      },
    );
    return protocol('elementClick', option);
  });
  define('selectByVisibleText', async (element, given) => {
    const text = String(given).trim().replace(/\s+/, ' ');
    const literal = text.includes('"') ? `concat("${text.split('"').join(`", '"', "`)}")` : `"${text}"`;
    const paths = ['./option', './optgroup/option'].flatMap((path) => [
      `${path}[. = ${literal}]`,
      `${path}[normalize-space(text()) = ${literal}]`,
    ]);
    return protocol('elementClick', await optionBy(element, paths.join('|'), `Option with text "${given}" not found.`));
  });

  // Asking.
  define('getText', (element) => takeSaid(element) ?? protocol('getElementText', id(element)));
  define('getTagName', (element) => protocol('getElementTagName', id(element)));
  define('getAttribute', (element, name) => protocol('getElementAttribute', id(element), name));
  define('getProperty', (element, name) => protocol('getElementProperty', id(element), name));
  define('getComputedRole', (element) => protocol('getElementComputedRole', id(element)));
  define('getComputedLabel', (element) => protocol('getElementComputedLabel', id(element)));
  define('getValue', async (element) => {
    const value = await protocol('getElementProperty', id(element), 'value');
    return typeof value === 'string' ? value : '';
  });
  define('getSize', async (element, name) => {
    const rect = await protocol('getElementRect', id(element));
    return typeof rect[name] === 'number' ? rect[name] : { width: rect.width, height: rect.height };
  });
  define('getLocation', async (element, name) => {
    const rect = await protocol('getElementRect', id(element));
    return typeof rect[name] === 'number' ? rect[name] : { x: rect.x, y: rect.y };
  });
  define('getHTML', async (element, given = {}) => {
    if (typeof given !== 'boolean' && (typeof given !== 'object' || given === null))
      throw new CommandError('script', 'The `getHTML` options parameter must be an object');
    const options = typeof given === 'boolean' ? { includeSelectorTag: given } : given;
    const {
      includeSelectorTag = true,
      pierceShadowRoot = true,
      removeCommentNodes = true,
      prettify = true,
      excludeElements = [],
    } = options;
    const html = await execute(own.page.html, element, {
      includeSelectorTag,
      pierceShadowRoot,
      removeCommentNodes,
      excludeElements,
    });
    return prettify ? own.library('html').prettify(html) : html;
  });
  define('getCSSProperty', async (element, property, pseudo) => {
    const value = pseudo
      ? await execute(
          (node, name, which) => getComputedStyle(node, which).getPropertyValue(name),
          element,
          property,
          pseudo,
        )
      : await protocol('getElementCSSValue', id(element), property);
    return own.parseCss(value, property);
  });
  define('execute', async (element, code, ...args) => revive(await execute(code, element, ...args)));
  define('executeAsync', async (element, code, ...args) =>
    revive(
      await own.call('protocol', {
        name: 'executeAsyncScript',
        args: [script(code), await reference([element, ...args])],
      }),
    ),
  );
  define('saveScreenshot', (element, path) =>
    own.saveFile(path, /\.png$/i, 'saveScreenshot expects a filepath of type string and ".png" file ending', () =>
      protocol('takeElementScreenshot', id(element)),
    ),
  );
  define('uploadFile', async (element, path) =>
    protocol('elementSendKeys', id(element), await own.call('uploadPath', { path })),
  );
  define('longPress', (element, given = {}) =>
    own.actions
      .pointer()
      .move({ origin: element, x: given.x ?? 0, y: given.y ?? 0 })
      .down()
      .pause(given.duration ?? 1500)
      .up()
      .performNow(),
  );
  for (const name of ['tap', 'pinch', 'zoom'])
    define(name, () => {
      throw new CommandError('script', `The ${name} command is only available for mobile platforms.`);
    });

  // Raw commands on an element: the id is the element's own.
  own.defineRaw = (names) => {
    for (const name of names) {
      if (own.elements.commands.has(name)) continue;
      define(name, (element, first, ...rest) => {
        const takesId = own.protocolTable.get(name).variables[0] === 'elementId';
        if (!takesId) return protocol(name, first, ...rest);
        return first === id(element) || (typeof first === 'string' && first.startsWith('f.'))
          ? protocol(name, first, ...rest)
          : protocol(name, id(element), ...(first === undefined ? [] : [first]), ...rest);
      });
    }
  };
};
