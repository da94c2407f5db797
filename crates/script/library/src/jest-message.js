export const formatExecError = (error) => String(error?.message ?? error);
export const formatStackTrace = () => '';
export const separateMessageFromStack = (text) => ({ message: String(text ?? '').split('\n')[0], stack: '' });
