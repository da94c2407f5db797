// The commands of the product. With its service off, a command prints a line and succeeds.
(own) => {
  const { call, defineBrowser, host } = own;
  const services = own.options.services ?? {};
  const offered = (name, service, action) =>
    defineBrowser(name, async (...args) => {
      if (!services[service]) {
        host.line(`Canarytrace:${name}:allowed`);
        return undefined;
      }
      return action(...args);
    });
  const needsAudit = (name) =>
    offered(name, 'audit', () => {
      throw new own.CommandError(
        'script',
        `${name}: the performance audit is not available in this version; unset PT_AUDIT`,
      );
    });
  for (const name of [
    'performAudit',
    'enablePerformanceAudits',
    'ActivatePerformanceAudit',
    'EvaluatePerformanceAudit',
    'disablePerformanceAudits',
  ])
    needsAudit(name);
  offered('CoverageStart', 'coverage', () => call('coverageStart', {}));
  offered('TakeCoverage', 'coverage', (filter) => call('takeCoverage', { filter }));
  offered('SaveToElastic', 'store', (settings) =>
    call('saveDocument', { index: settings?.indexName, payload: settings?.payload }),
  );
  offered('InjectHeroElements', 'hero', (configuration, rules) =>
    call('injectHeroElements', { patterns: configuration?.patterns ?? [], rules }),
  );
  for (const [alias, name] of [
    ['coverageStart', 'CoverageStart'],
    ['takeCoverage', 'TakeCoverage'],
    ['saveToElastic', 'SaveToElastic'],
    ['injectHeroElements', 'InjectHeroElements'],
    ['evaluatePerformanceAudit', 'EvaluatePerformanceAudit'],
  ])
    own.browser[alias] = own.browser[name];
};
