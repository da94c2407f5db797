export { roleElements } from 'aria-query';
