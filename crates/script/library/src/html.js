export { prettify } from 'htmlfy';
