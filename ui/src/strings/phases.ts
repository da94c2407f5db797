/** Texts of services/waterfall.ts. */
export const phases = {
  blocked: 'Blocked',
  connect: 'Connect',
  send: 'Send',
  wait: 'Wait',
  receive: 'Receive',
};
