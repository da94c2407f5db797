/** Texts of views/configuration.tsx. */
export const configuration = {
  noWasNamedStartWith: 'No {1} was named: start with {2}.',
  withoutSecrets: (path: string | number) => `${path}, without secrets`,
  configurationInForce: 'Configuration in force',
  startedWith: 'Started with',
  variablesThatWereRead: 'Variables that were read',
  canarytraceYaml: 'canarytrace.yaml',
  configuration: 'Configuration',
  configurationOf: (id: string | number) => `Configuration of ${id}`,
};
