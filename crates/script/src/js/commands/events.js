// Events: `browser.on` keeps the listener; what the browser tells is delivered between commands.
(own) => {
  const { browser, call } = own;
  const listeners = new Map();
  const listen = (once) => (event, listener) => {
    listeners.set(event, [...(listeners.get(event) ?? []), { listener, once }]);
    return browser;
  };
  Object.assign(browser, {
    on: listen(false),
    addListener: listen(false),
    once: listen(true),
    off(event, listener) {
      listeners.set(
        event,
        (listeners.get(event) ?? []).filter((entry) => entry.listener !== listener),
      );
      return browser;
    },
    removeAllListeners(event) {
      if (event === undefined) listeners.clear();
      else listeners.delete(event);
      return browser;
    },
    listenerCount: (event) => (listeners.get(event) ?? []).length,
    emit(event, ...args) {
      const found = listeners.get(event) ?? [];
      listeners.set(
        event,
        found.filter((entry) => !entry.once),
      );
      for (const { listener } of found) listener.apply(browser, args);
      return found.length > 0;
    },
  });
  // A dialog as its listener sees it; it is told once.
  class Dialog {
    #facts;
    constructor(facts) {
      this.#facts = facts;
    }
    message() {
      return this.#facts.message;
    }
    type() {
      return this.#facts.type;
    }
    defaultValue() {
      return this.#facts.defaultPrompt;
    }
    async accept(text) {
      if (text !== undefined) await call('protocol', { name: 'sendAlertText', args: [String(text)] });
      await call('protocol', { name: 'acceptAlert', args: [] });
    }
    async dismiss() {
      await call('protocol', { name: 'dismissAlert', args: [] });
    }
  }
  // What goes to the driver and what it answers, as WebdriverIO tells of it.
  const issued = (name, args) => {
    if (name === 'navigate')
      return { command: 'navigateTo', method: 'POST', endpoint: '/session/:sessionId/url', body: { url: args.url } };
    const entry = name === 'protocol' && own.protocolTable.get(args.name);
    if (!entry) return null;
    const values = [...args.args];
    const path = entry.path.replace(/\{\w+\}/g, () => values.shift());
    const endpoint = path.startsWith('/') ? path : `/session/:sessionId/${path}`.replace(/\/$/, '');
    const given = entry.parameters.map(({ name: member }, at) => [member, values[at]]);
    const body = Object.fromEntries(given.filter(([, value]) => value !== undefined && value !== null));
    return { command: entry.name, method: entry.method, endpoint, body };
  };
  own.sessionIsGone = (name, args) => {
    const command = issued(name, args);
    const running = command
      ? ` when running "${command.endpoint.replace('/session/:sessionId/', '')}" with method "${command.method}"`
      : '';
    return new own.CommandError('script', `WebDriverError: invalid session id${running}`, 'invalid session id');
  };
  own.tellOfCommand = (name, args) => {
    if (!browser.listenerCount('command') && !browser.listenerCount('result')) return null;
    const command = issued(name, args);
    if (command) browser.emit('command', command);
    return command;
  };
  let telling = false;
  own.hearsDialogs = () => !telling && browser.listenerCount('dialog') > 0;
  own.tellOfDialog = async () => {
    if (telling) return;
    telling = true;
    try {
      for (let facts = await call('dialog', {}); facts; facts = await call('dialog', {})) {
        const dialog = new Dialog(facts);
        const found = listeners.get('dialog') ?? [];
        listeners.set(
          'dialog',
          found.filter((entry) => !entry.once),
        );
        for (const { listener } of found) await listener.call(browser, dialog);
        // One that nobody answered is dismissed, as one that nobody listens for.
        if (await call('dialog', {})) await dialog.dismiss().catch(() => {});
      }
    } finally {
      telling = false;
    }
  };
  browser.removeListener = browser.off;
};
