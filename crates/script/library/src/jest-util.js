export const isPromise = (value) => value !== null && value !== undefined && typeof value.then === 'function';
export const isError = (value) => value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
export const pluralize = (word, count, ending = 's') => `${count} ${word}${count === 1 ? '' : ending}`;
export class ErrorWithStack extends Error {}
