// `browser.emulate(…)`: each scope answers how it is undone.
(own) => {
  const { call, CommandError } = own;
  // A page function that runs before each page's scripts, and now.
  const early = async (code, ...args) => {
    const source = `(${code})(${args.map((arg) => JSON.stringify(arg)).join(', ')})`;
    const id = await call('addInitScript', { source });
    await own.elements.execute(source);
    return () => call('removeInitScript', { id });
  };
  const property = (target, name, value) =>
    `const target = ${target}; Object.defineProperty(target, '${name}', { get: () => ${value}, configurable: true });`;
  const scopes = {
    geolocation: async ({ latitude, longitude, accuracy = 1 } = {}) => {
      const source = `() => { const position = { coords: { latitude: ${latitude}, longitude: ${longitude}, accuracy: ${accuracy}, altitude: null, altitudeAccuracy: null, heading: null, speed: null }, timestamp: Date.now() }; navigator.geolocation.getCurrentPosition = (success) => success(position); navigator.geolocation.watchPosition = (success) => { success(position); return 1; }; }`;
      await call('emulate', { what: 'geolocation', latitude, longitude, accuracy });
      const undo = await early(source);
      return async () => {
        await call('emulate', { what: 'geolocation' });
        await undo();
      };
    },
    userAgent: async (userAgent) => {
      await call('emulate', { what: 'userAgent', userAgent });
      return () => call('emulate', { what: 'userAgent', userAgent: '' });
    },
    colorScheme: async (scheme) => {
      if (!['light', 'dark'].includes(scheme))
        throw new CommandError(
          'script',
          `Expected "colorScheme" emulation options to be either "light" or "dark", received "${scheme}"`,
        );
      await call('emulate', { what: 'colorScheme', scheme });
      return () => call('emulate', { what: 'colorScheme', scheme: '' });
    },
    onLine: async (state) => {
      if (typeof state !== 'boolean')
        throw new CommandError('script', `Expected "emulate" options to be a boolean, received "${state}"`);
      return early(`() => { ${property('Navigator.prototype', 'onLine', String(state))} }`);
    },
    offline: async (state = true) => {
      await call('throttle', { params: state ? 'offline' : 'online' });
      return () => call('throttle', { params: 'online' });
    },
    timezone: async (zone) => {
      await call('emulate', { what: 'timezone', zone });
      return () => call('emulate', { what: 'timezone', zone: '' });
    },
    locale: async (locale) => {
      await call('emulate', { what: 'locale', locale });
      return () => call('emulate', { what: 'locale', locale: '' });
    },
    media: async (media) => {
      await call('emulate', { what: 'media', media });
      return () => call('emulate', { what: 'media', media: '' });
    },
    network: async (params) => {
      await call('throttle', { params });
      return () => call('throttle', { params: 'online' });
    },
    cpu: async (factor) => {
      await call('emulate', { what: 'cpu', factor });
      return () => call('emulate', { what: 'cpu', factor: 1 });
    },
    device: async (name) => {
      const device = own.devices()[name];
      if (!device)
        throw new CommandError(
          'script',
          `Unknown device name "${name}", please use one of the following: ${Object.keys(own.devices()).join(', ')}`,
        );
      const { viewport, userAgent } = device;
      await call('emulate', {
        what: 'viewport',
        width: viewport.width,
        height: viewport.height,
        scale: viewport.deviceScaleFactor,
        mobile: viewport.isMobile,
        touch: viewport.hasTouch,
      });
      await call('emulate', { what: 'userAgent', userAgent });
      return async () => {
        await call('emulate', { what: 'viewport' });
        await call('emulate', { what: 'userAgent', userAgent: '' });
      };
    },
    clock: async (given = {}) => {
      const now = given.now instanceof Date ? given.now.getTime() : (given.now ?? 0);
      const undo = await early(String(own.page.clock), now);
      const restore = async () => {
        await undo();
        await own.elements.execute('window.__canarytraceClock?.restore()');
      };
      return Object.assign(restore, {
        tick: (milliseconds) =>
          own.command(() => own.elements.execute('window.__canarytraceClock.tick(arguments[0])', milliseconds)),
        setSystemTime: (time) =>
          own.command(() =>
            own.elements.execute(
              'window.__canarytraceClock.set(arguments[0])',
              time instanceof Date ? time.getTime() : time,
            ),
          ),
        restore: () => own.command(restore),
      });
    },
  };
  own.emulate = async (scope, options) => {
    if (!scopes[scope])
      throw new CommandError('script', `Invalid scope "${scope}", expected one of ${Object.keys(scopes).join(', ')}`);
    return scopes[scope](options);
  };
};
