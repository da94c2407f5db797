// A `wdio.conf.js` of the repository: what of it applies to a run. What the run itself was given wins.
(own) => {
  // Expectations wait as long as the waits do, unless they are told otherwise.
  own.expectWait = () => ({
    wait: own.options.expectTimeout ?? own.options.waitforTimeout,
    interval: own.options.expectInterval ?? own.options.waitforInterval,
  });
  const explicit = new Set(own.options.explicit ?? []);
  delete own.options.explicit;
  // What belongs to WebdriverIO's own processes, or is the run's to decide.
  const OTHERS = new Set([
    'capabilities',
    'framework',
    'reporters',
    'services',
    'runner',
    'specs',
    'suites',
    'exclude',
    'maxInstances',
    'hostname',
    'port',
    'path',
    'user',
    'key',
    'outputDir',
    'sessionId',
  ]);
  let hooks = {};
  const quietly = async (name, args) => {
    for (const hook of [hooks[name] ?? []].flat()) {
      try {
        await hook.apply(own.browserProxy, args);
      } catch (error) {
        // As WebdriverIO does: a hook of the configuration fails no test.
        console.error(`${name} hook of the configuration: ${error?.message ?? error}`);
      }
    }
  };

  own.configure = (module) => {
    const config = module.config ?? module.default?.config ?? module.default;
    if (config === null || typeof config !== 'object') throw new Error('it exports no `config`');
    for (const [name, value] of Object.entries(config)) {
      if (typeof value === 'function' || OTHERS.has(name) || explicit.has(name) || name === 'mochaOpts') continue;
      own.options[name] = value;
    }
    hooks = config;
    const { timeout, retries, bail, grep, ui } = config.mochaOpts ?? {};
    own.configureMocha({ timeout: explicit.has('stepTimeout') ? undefined : timeout, retries, bail, grep, ui });
  };
  own.reloaded = (before, after) => quietly('onReload', [before, after]);
  // The hooks of the configuration around those of the spec, once that has declared its own.
  own.attachHooks = () => {
    const has = (name) => hooks[name] !== undefined;
    const specs = [own.config.spec];
    const add = own.addHook;
    const { capabilities } = own.browser;
    if (has('before'))
      add(own.mochaRoot, 'before', 'before', () => quietly('before', [capabilities, specs, own.browserProxy]), true);
    if (has('after')) add(own.mochaRoot, 'after', 'after', () => quietly('after', [0, capabilities, specs]), false);
    if (has('beforeTest'))
      add(
        own.mochaRoot,
        'beforeEach',
        'beforeTest',
        function hook() {
          return quietly('beforeTest', [own.testFacts(this.currentTest), this]);
        },
        true,
      );
    if (has('afterTest'))
      add(
        own.mochaRoot,
        'afterEach',
        'afterTest',
        function hook() {
          const { state, err, duration } = this.currentTest;
          const result = { error: err, passed: state === 'passed', duration, retries: { attempts: 0, limit: 0 } };
          return quietly('afterTest', [own.testFacts(this.currentTest), this, result]);
        },
        false,
      );
    for (const suite of own.mochaRoot.suites) {
      const facts = { title: suite.title, fullTitle: suite.title, parent: '' };
      if (has('beforeSuite')) add(suite, 'before', 'beforeSuite', () => quietly('beforeSuite', [facts]), true);
      if (has('afterSuite')) add(suite, 'after', 'afterSuite', () => quietly('afterSuite', [facts]), false);
    }
  };
  own.testFacts = (test) => ({
    title: test?.title,
    fullTitle: test?.fullTitle(),
    parent: test?.parent?.title,
    type: 'test',
  });
};
