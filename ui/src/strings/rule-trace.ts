/** Texts of views/rule-trace.tsx. */
export const ruleTrace = {
  theLast24Hours: (title: string | number) => `${title}: the last 24 hours`,
  noDocumentOfItsKind: 'No document of its kind was stored, or it does not compare numbers.',
  valuesOf: (title: string | number) => `Values of ${title}`,
  nothingToJudgeInThis: 'Nothing to judge in this time',
  againstItsLimit: (title: string | number) => `${title} against its limit`,
};
