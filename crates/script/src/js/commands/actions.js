// `browser.action(…)`: sequences of one input source, put together by calls and performed at once.
(own) => {
  const { command, CommandError } = own;
  const { ELEMENT_KEY, RESOLVE, Element, protocol, ready, isElement } = own.elements;

  const KEYS = {
    NULL: 'E000',
    Cancel: 'E001',
    Help: 'E002',
    Backspace: 'E003',
    'Back space': 'E003',
    Tab: 'E004',
    Clear: 'E005',
    Return: 'E006',
    Enter: 'E007',
    Shift: 'E008',
    Control: 'E009',
    'Left shift': 'E008',
    'Left control': 'E009',
    Alt: 'E00A',
    'Left alt': 'E00A',
    Pause: 'E00B',
    Escape: 'E00C',
    Space: 'E00D',
    PageUp: 'E00E',
    Pageup: 'E00E',
    PageDown: 'E00F',
    Pagedown: 'E00F',
    End: 'E010',
    Home: 'E011',
    ArrowLeft: 'E012',
    'Left arrow': 'E012',
    ArrowUp: 'E013',
    'Up arrow': 'E013',
    ArrowRight: 'E014',
    'Right arrow': 'E014',
    ArrowDown: 'E015',
    'Down arrow': 'E015',
    Insert: 'E016',
    Delete: 'E017',
    Semicolon: 'E018',
    Equals: 'E019',
    ...Object.fromEntries(
      Array.from({ length: 10 }, (_, digit) => [`Numpad ${digit}`, `E0${(0x1a + digit).toString(16).toUpperCase()}`]),
    ),
    Multiply: 'E024',
    Add: 'E025',
    Separator: 'E026',
    Subtract: 'E027',
    Decimal: 'E028',
    Divide: 'E029',
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, number) => [`F${number + 1}`, `E0${(0x31 + number).toString(16).toUpperCase()}`]),
    ),
    Command: 'E03D',
    Meta: 'E03D',
    Zenkaku_Hankaku: 'E040',
    ZenkakuHankaku: 'E040',
  };
  own.keyNames = Object.fromEntries(
    Object.entries(KEYS).map(([name, code]) => [name, String.fromCharCode(Number.parseInt(code, 16))]),
  );
  const CONTROL = 'WDIO_CONTROL';
  // What `import { Key } from 'webdriverio'` gives.
  own.Key = Object.fromEntries([
    ['Ctrl', CONTROL],
    ...Object.entries(own.keyNames).filter(([name]) => !name.includes(' ')),
    ...Array.from({ length: 10 }, (_, digit) => [`Numpad${digit}`, own.keyNames[`Numpad ${digit}`]]),
  ]);

  const counts = { key: 0, pointer: 0, wheel: 0 };
  const BUTTONS = { left: 0, middle: 1, right: 2 };
  const button = (given) => {
    if (typeof given === 'number') return { button: given };
    if (typeof given === 'string') return { button: BUTTONS[given] };
    return typeof given?.button === 'string' ? { ...given, button: BUTTONS[given.button] } : given;
  };
  // The driver refuses some members that are zero.
  const lean = (action) =>
    Object.fromEntries(
      Object.entries(action).filter(([name, value]) => value !== 0 || ['x', 'y', 'button', 'duration'].includes(name)),
    );
  const DOWN = {
    button: 0,
    width: 0,
    height: 0,
    pressure: 0,
    tangentialPressure: 0,
    tiltX: 0,
    tiltY: 0,
    twist: 0,
    altitudeAngle: 0,
    azimuthAngle: 0,
  };

  class Action {
    constructor(type, { id, parameters } = {}) {
      this.type = type;
      this.id = id ?? `${type}${++counts[type]}`;
      this.parameters = parameters ?? (type === 'pointer' ? { pointerType: 'mouse' } : {});
      this.sequence = [];
    }
    add(action) {
      this.sequence.push(action);
      return this;
    }
    pause(duration = 0) {
      return this.add({ type: 'pause', duration });
    }
    toJSON() {
      return { id: this.id, type: this.type, parameters: this.parameters, actions: this.sequence };
    }
    async resolve() {
      for (const step of this.sequence) {
        if (!step.origin || typeof step.origin === 'string') continue;
        const element = step.origin[RESOLVE] ? await step.origin[RESOLVE]() : await step.origin;
        if (element instanceof Element) await ready(element, 'performActions');
        if (!element[ELEMENT_KEY])
          throw new CommandError('element', `Couldn't find element for "${step.type}" action sequence`);
        step.origin = { [ELEMENT_KEY]: element[ELEMENT_KEY] };
      }
      return this.toJSON();
    }
    async performNow(skipRelease = false) {
      await protocol('performActions', [await this.resolve()]);
      if (!skipRelease) await protocol('releaseActions');
    }
    perform(skipRelease = false) {
      return command(() => this.performNow(skipRelease));
    }
  }
  class KeyAction extends Action {
    #key(value) {
      if (typeof value !== 'string')
        throw new CommandError('script', `Invalid type for key input: "${typeof value}", expected a string!`);
      if (value === CONTROL) return own.keyNames.Control;
      if ([...value].length > 1)
        throw new CommandError(
          'script',
          `Your key input contains more than one character: "${value}", only one is allowed though!`,
        );
      return value;
    }
    down(value) {
      return this.add({ type: 'keyDown', value: this.#key(value) });
    }
    up(value) {
      return this.add({ type: 'keyUp', value: this.#key(value) });
    }
  }
  class PointerAction extends Action {
    move(first = {}, y) {
      const given = typeof first === 'number' ? { x: first, y } : first;
      return this.add(
        lean({
          type: 'pointerMove',
          ...DOWN,
          x: 0,
          y: 0,
          duration: 100,
          origin: 'viewport',
          ...(isElement(given) ? { origin: given } : given),
        }),
      );
    }
    down(given = {}) {
      return this.add(lean({ type: 'pointerDown', ...DOWN, ...button(given) }));
    }
    up(given = { button: 0 }) {
      return this.add({ type: 'pointerUp', ...button(given) });
    }
    cancel() {
      return this.add({ type: 'pointerCancel' });
    }
  }
  class WheelAction extends Action {
    scroll(given) {
      return this.add({ type: 'scroll', x: 0, y: 0, deltaX: 0, deltaY: 0, duration: 0, ...given });
    }
  }
  own.actions = {
    key: (given) => new KeyAction('key', given),
    pointer: (given) => new PointerAction('pointer', given),
    wheel: (given) => new WheelAction('wheel', given),
    start: (type, given) => {
      if (!['key', 'pointer', 'wheel'].includes(type))
        throw new CommandError('script', `Unsupported action type "${type}", supported are "key", "pointer", "wheel"`);
      return own.actions[type](given);
    },
    // Several sources at the same time.
    all: async (actions) => {
      const sequences = [];
      for (const action of actions) sequences.push(await action.resolve());
      await protocol('performActions', sequences);
      await protocol('releaseActions');
    },
    keys: async (value) => {
      if (typeof value !== 'string' && !Array.isArray(value))
        throw new CommandError('script', '"keys" command requires a string or array of strings as parameter');
      const pressed = (Array.isArray(value) ? value : [value]).flatMap((text) =>
        own.keyNames[text] ? [own.keyNames[text]] : text === CONTROL ? [CONTROL] : [...text],
      );
      const action = own.actions.key();
      for (const key of pressed) action.down(key);
      action.pause(10);
      for (const key of pressed) action.up(key);
      await action.performNow(true);
    },
  };
};
