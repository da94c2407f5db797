import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, post, send } from './http';

/** Who is using the page, where people log in. */

export type UserRole = 'viewer' | 'editor' | 'admin' | 'ingest';

export interface Session {
  required: boolean;
  user: string | null;
  role: UserRole | null;
}

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
    mutationFn: (credentials: { user: string; password: string }) => post<Session>('/api/v1/session', credentials),
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

export interface User {
  name: string;
  role: UserRole;
}

export interface Token {
  id: string;
  name: string;
  role: UserRole;
  indices: string[];
  /** Only this dashboard is shown. */
  dashboard: string | null;
  expires: string | null;
}

export const useUsers = () =>
  useQuery({
    queryKey: ['users'],
    queryFn: async ({ signal }) => (await get<{ users: User[] }>('/api/v1/users', signal)).users,
  });

export const useTokens = () =>
  useQuery({
    queryKey: ['tokens'],
    queryFn: async ({ signal }) => (await get<{ tokens: Token[] }>('/api/v1/tokens', signal)).tokens,
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

export const putUser = ({ name, ...user }: { name: string; password: string; role: UserRole }) =>
  post(`/api/v1/users/${encodeURIComponent(name)}`, user, undefined, 'PUT');
export const removeUser = (name: string) => send(`/api/v1/users/${encodeURIComponent(name)}`, { method: 'DELETE' });
export interface NewToken {
  name: string;
  role: UserRole;
  indices: string[];
  dashboard?: string;
  expiresInDays?: number;
}

export const addToken = (token: NewToken) => post<{ id: string; secret: string }>('/api/v1/tokens', token);
export const removeToken = (id: string) => send(`/api/v1/tokens/${encodeURIComponent(id)}`, { method: 'DELETE' });
