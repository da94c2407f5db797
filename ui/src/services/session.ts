import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import type { Credentials, NewToken, NewUser, Session, TokenSecret, Tokens, Users } from './api';
import { get, post, send } from './http';

/** Who is using the page, where people log in. */

export const useSession = () =>
  useQuery({
    queryKey: ['session'],
    queryFn: ({ signal }) => get<Session>('/api/v1/session', signal),
    staleTime: 60_000,
    refetchInterval: 300_000,
  });

/** Whether somebody may change dashboards and monitors; the server decides, the page only does not offer what it refuses. */
export const useMayEdit = (): boolean => {
  const { data } = useSession();
  return data?.role === 'editor' || data?.role === 'admin';
};

export function useLogIn() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (credentials: Credentials) => post<Session>('/api/v1/session', credentials),
    onSuccess: async (session) => {
      client.setQueryData(['session'], session);
      await client.invalidateQueries();
    },
  });
}

export function useLogOut() {
  const client = useQueryClient();
  return useMutation({
    mutationFn: () => send('/api/v1/session', { method: 'DELETE' }),
    onSuccess: () => {
      client.clear();
      window.location.assign('/');
    },
  });
}

export const useUsers = () =>
  useQuery({
    queryKey: ['users'],
    queryFn: async ({ signal }) => (await get<Users>('/api/v1/users', signal)).users,
  });

export const useTokens = () =>
  useQuery({
    queryKey: ['tokens'],
    queryFn: async ({ signal }) => (await get<Tokens>('/api/v1/tokens', signal)).tokens,
  });

/** Changes users or tokens, then shows them as they are. */
export function useAccessChange<Wanted, Answer = unknown>(change: (wanted: Wanted) => Promise<Answer>) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: change,
    onSuccess: () =>
      Promise.all([
        client.invalidateQueries({ queryKey: ['users'] }),
        client.invalidateQueries({ queryKey: ['tokens'] }),
      ]),
  });
}

export const putUser = ({ name, ...user }: NewUser & { name: string }) =>
  post(`/api/v1/users/${encodeURIComponent(name)}`, user, undefined, 'PUT');
export const removeUser = (name: string) => send(`/api/v1/users/${encodeURIComponent(name)}`, { method: 'DELETE' });
export const addToken = (token: NewToken) => post<TokenSecret>('/api/v1/tokens', token);
export const removeToken = (id: string) => send(`/api/v1/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' });
