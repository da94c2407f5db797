/** Texts of components/login.tsx. */
export const login = {
  password: 'Password',
  logIn: 'Log in',
};
