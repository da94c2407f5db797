// Functions that run in the page, never here.
(own) => {
  own.page = {
    // `>>>`: each part below any depth of open shadow roots of the part before it.
    deep: function deep(root, selector, first) {
      const roots = (node) => {
        const found = [node];
        const walk = (scope) => {
          for (const element of scope.querySelectorAll('*'))
            if (element.shadowRoot) {
              found.push(element.shadowRoot);
              walk(element.shadowRoot);
            }
        };
        if (node.shadowRoot) {
          found.push(node.shadowRoot);
          walk(node.shadowRoot);
        }
        walk(node);
        return found;
      };
      let scopes = [root ?? document];
      for (const part of selector
        .split('>>>')
        .map((text) => text.trim())
        .filter(Boolean)) {
        const next = new Set();
        for (const scope of scopes)
          for (const inner of roots(scope)) for (const element of inner.querySelectorAll(part)) next.add(element);
        scopes = [...next];
      }
      return first ? scopes.slice(0, 1) : scopes;
    },
    // Inside open shadow roots only: what `querySelectorAll` does not see.
    shadow: function shadow(root, selector, first) {
      const found = [];
      const walk = (scope) => {
        for (const element of scope.querySelectorAll('*')) {
          if (!element.shadowRoot) continue;
          found.push(...element.shadowRoot.querySelectorAll(selector));
          if (first && found.length > 0) return;
          walk(element.shadowRoot);
        }
      };
      if (root?.shadowRoot) {
        found.push(...root.shadowRoot.querySelectorAll(selector));
        walk(root.shadowRoot);
      }
      walk(root ?? document);
      return first ? found.slice(0, 1) : found;
    },
    // An element with its text, when that is told without doubt: plain words, shown, with nothing that hides or changes them.
    // Whatever else there is, is for the driver to tell.
    said: function said(selector) {
      const element = document.querySelector(selector);
      if (!element) return null;
      const plain = () => {
        const text = element.textContent;
        if (!(element instanceof HTMLElement) || element.childElementCount > 0 || element.shadowRoot) return null;
        if (
          /^(INPUT|TEXTAREA|SELECT|OPTION|OPTGROUP)$/.test(element.tagName) ||
          !/^[\x20-\x7e\n\t\xa1-\u1fff]*$/.test(text)
        )
          return null;
        const { textTransform, whiteSpace } = getComputedStyle(element);
        const { left, top, width, height } = element.getBoundingClientRect();
        if (textTransform !== 'none' || whiteSpace !== 'normal' || width === 0 || height === 0) return null;
        // No scrolling leads there.
        if (left + scrollX < 0 || top + scrollY < 0) return null;
        const seen = { opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true };
        if (!element.checkVisibility(seen)) return null;
        for (let own = element; own; own = own.parentElement)
          if (getComputedStyle(own).overflow !== 'visible') return null;
        return text.trim().replace(/\s+/g, ' ');
      };
      return [element, plain()];
    },
    react: function react(selector, props, state, root) {
      const fiberOf = (node) =>
        node[Object.keys(node).find((key) => /^__react(Fiber|InternalInstance|Container)/.test(key))];
      const start = (() => {
        if (root) return fiberOf(root);
        const walker = document.createTreeWalker(document);
        while (walker.nextNode()) {
          const node = walker.currentNode;
          if (node._reactRootContainer)
            return (node._reactRootContainer._internalRoot ?? node._reactRootContainer).current;
          const fiber = fiberOf(node);
          if (fiber) {
            let top = fiber;
            while (top.return) top = top.return;
            return top.stateNode?.current ?? top;
          }
        }
        return null;
      })();
      if (!start) throw new Error('Could not find the root element of your application');
      const nameOf = (fiber) =>
        typeof fiber.type === 'string'
          ? fiber.type
          : (fiber.type?.displayName ?? fiber.type?.name ?? fiber.type?.render?.name);
      const stateOf = (fiber) => fiber.memoizedState?.baseState ?? fiber.memoizedState;
      const matches = (actual, wanted) =>
        Object.entries(wanted).every(([key, value]) =>
          value !== null && typeof value === 'object' ? matches(actual?.[key] ?? {}, value) : actual?.[key] === value,
        );
      const stateMatches = (fiber) =>
        state !== null && typeof state === 'object'
          ? Object.keys(state).length === 0 || matches(stateOf(fiber) ?? {}, state)
          : stateOf(fiber) === state;
      const pattern = new RegExp(
        `^${selector
          .split('*')
          .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
          .join('.+')}$`,
      );
      const nodes = (fiber) => {
        if (fiber.stateNode instanceof Node) return [fiber.stateNode];
        const found = [];
        for (let child = fiber.child; child; child = child.sibling) found.push(...nodes(child));
        return found;
      };
      const found = [];
      const walk = (fiber) => {
        for (let node = fiber; node; node = node.sibling) {
          if (
            typeof node.type !== 'string' &&
            nameOf(node) &&
            pattern.test(nameOf(node)) &&
            matches(node.memoizedProps ?? {}, props) &&
            stateMatches(node)
          )
            found.push(...nodes(node).slice(0, 1));
          walk(node.child);
        }
      };
      walk(start.child);
      return found.filter((node) => node instanceof Element);
    },
    isDisplayed: function isDisplayed(element, options) {
      if (!element.isConnected)
        throw new Error('stale element reference: element is not attached to the page document');
      const shown = () => {
        const style = getComputedStyle(element);
        if (style.display !== 'contents') return element.checkVisibility(options);
        return (
          [...element.children].some((child) => child.checkVisibility(options)) || element.textContent.trim() !== ''
        );
      };
      if (!shown()) return false;
      if (!options.withinViewport) return true;
      const box = element.getBoundingClientRect();
      const height = window.innerHeight || document.documentElement.clientHeight;
      const width = window.innerWidth || document.documentElement.clientWidth;
      return box.top <= height && box.top + box.height > 0 && box.left <= width && box.left + box.width > 0;
    },
    isClickable: function isClickable(element) {
      if (element.disabled) return false;
      const inside = () => {
        const box = element.getBoundingClientRect();
        return (
          box.width > 0 &&
          box.height > 0 &&
          box.top < window.innerHeight &&
          box.bottom > 0 &&
          box.left < window.innerWidth &&
          box.right > 0
        );
      };
      const covered = () => {
        const box = element.getBoundingClientRect();
        const x = (Math.max(0, box.left) + Math.min(window.innerWidth, box.right)) / 2;
        const y = (Math.max(0, box.top) + Math.min(window.innerHeight, box.bottom)) / 2;
        let top = element.getRootNode().elementFromPoint(x, y);
        while (top?.shadowRoot && !element.contains(top)) {
          const deeper = top.shadowRoot.elementFromPoint(x, y);
          if (!deeper || deeper === top) break;
          top = deeper;
        }
        return !(
          top &&
          (element === top ||
            element.contains(top) ||
            (top.contains(element) && top.closest('label')) ||
            element.shadowRoot?.contains(top))
        );
      };
      if (inside() && !covered()) return true;
      element.scrollIntoView({ block: 'nearest', inline: 'nearest', behavior: 'instant' });
      if (inside() && !covered()) return true;
      element.scrollIntoView({ block: 'center', inline: 'center', behavior: 'instant' });
      return inside() && !covered();
    },
    isStable: function isStable(element, done) {
      if (document.visibilityState === 'hidden')
        throw Error('You are checking for animations on an inactive tab, animations do not run for inactive tabs');
      const box = () => JSON.stringify(element.getBoundingClientRect());
      let before = box();
      let frames = 0;
      const look = () => {
        const now = box();
        if (now !== before) return done(false);
        before = now;
        return ++frames < 3
          ? requestAnimationFrame(look)
          : done(element.getAnimations({ subtree: true }).every((animation) => animation.playState !== 'running'));
      };
      requestAnimationFrame(look);
    },
    // The source of an element, with open shadow roots as templates.
    html: function html(element, { includeSelectorTag, pierceShadowRoot, removeCommentNodes, excludeElements }) {
      const copied = (root) => {
        const copy = root.cloneNode(true);
        const originals = [root, ...root.querySelectorAll('*')];
        const copies = [copy, ...copy.querySelectorAll('*')];
        originals.forEach((original, index) => {
          if (!pierceShadowRoot || !original.shadowRoot) return;
          const template = document.createElement('template');
          template.setAttribute('shadowrootmode', original.shadowRoot.mode);
          for (const child of original.shadowRoot.children) template.content.append(copied(child));
          copies[index].prepend(template);
        });
        if (removeCommentNodes) {
          const comments = document.createTreeWalker(copy, NodeFilter.SHOW_COMMENT);
          const gone = [];
          while (comments.nextNode()) gone.push(comments.currentNode);
          for (const comment of gone) comment.remove();
        }
        for (const selector of excludeElements)
          for (const excluded of copy.querySelectorAll(selector)) excluded.remove();
        return copy;
      };
      const copy = copied(element);
      return includeSelectorTag ? copy.outerHTML : copy.innerHTML;
    },
    // How far the window must be scrolled until an element is where it is wanted, and whether it is seen now.
    scrollDistance: function scrollDistance(element, { block, inline }) {
      const box = element.getBoundingClientRect();
      const hits = (root) => {
        const found = root.elementsFromPoint(box.left + box.width / 2, box.top + box.height / 2);
        return found[0]?.shadowRoot ? hits(found[0].shadowRoot) : found;
      };
      const along = (where, start, size, room) => {
        const places = { start, center: start - (room - size) / 2, end: start - (room - size) };
        const inside = start >= -1 && start + size <= room + 1;
        const spans = start <= 1 && start + size >= room - 1;
        if (where !== 'nearest') return places[where] ?? places.start;
        return inside || spans ? 0 : Object.values(places).sort((one, two) => Math.abs(one) - Math.abs(two))[0];
      };
      return {
        seen: hits(document).includes(element),
        x: Math.round(along(inline, box.left, box.width, window.innerWidth)),
        y: Math.round(along(block, box.top, box.height, window.innerHeight)),
      };
    },
    // Done when an element has not moved for two frames, or after a second.
    standsStill: function standsStill(element, done) {
      let last = element.getBoundingClientRect();
      let still = 0;
      let frames = 0;
      const look = () => {
        const now = element.getBoundingClientRect();
        still = now.top === last.top && now.left === last.left ? still + 1 : 0;
        last = now;
        frames += 1;
        if (still >= 2 || frames >= 60) done();
        else requestAnimationFrame(look);
      };
      requestAnimationFrame(look);
    },
    // A clock that stands still until it is told to go on.
    clock: function clock(start) {
      if (window.__canarytraceClock) return;
      const real = {
        Date: window.Date,
        setTimeout: window.setTimeout,
        setInterval: window.setInterval,
        clearTimeout: window.clearTimeout,
        clearInterval: window.clearInterval,
      };
      let now = start;
      let next = 1e6;
      const timers = new Map();
      class FakeDate extends real.Date {
        constructor(...args) {
          if (args.length === 0) super(now);
          else super(...args);
        }
        static now() {
          return now;
        }
      }
      const add =
        (repeat) =>
        (callback, delay = 0, ...args) => {
          const id = next++;
          timers.set(id, {
            callback,
            at: now + Number(delay || 0),
            every: repeat ? Math.max(1, Number(delay || 0)) : 0,
            args,
          });
          return id;
        };
      const drop = (id) => {
        if (!timers.delete(id)) real.clearTimeout.call(window, id);
      };
      Object.assign(window, {
        Date: FakeDate,
        setTimeout: add(false),
        setInterval: add(true),
        clearTimeout: drop,
        clearInterval: drop,
      });
      window.__canarytraceClock = {
        set: (time) => {
          now = time;
        },
        tick: (milliseconds) => {
          const end = now + milliseconds;
          for (;;) {
            const due = [...timers]
              .filter(([, timer]) => timer.at <= end)
              .sort((one, two) => one[1].at - two[1].at || one[0] - two[0])[0];
            if (!due) break;
            const [id, timer] = due;
            now = Math.max(now, timer.at);
            if (timer.every) timer.at += timer.every;
            else timers.delete(id);
            if (typeof timer.callback === 'function') timer.callback(...timer.args);
          }
          now = end;
        },
        restore: () => {
          Object.assign(window, real);
          delete window.__canarytraceClock;
        },
      };
    },
    loadImages: function loadImages() {
      return [...document.images].every((image) => image.complete);
    },
  };
};
