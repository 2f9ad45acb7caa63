// Requests to the server. The session's cookie goes along by itself; a request that changes something is accepted from our own
// pages only (the browser's Origin header), so there is no token to handle here.

import { Failure, readFailure } from './failure';

export interface Options {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** Where to come back to after signing in. */
export function signInAddress(): string {
  return `/signin?next=${encodeURIComponent(location.pathname + location.search)}`;
}

async function exchange(method: string, url: string, body: unknown, options: Options): Promise<Response> {
  const headers: Record<string, string> = { accept: 'application/json', ...options.headers };
  let payload: BodyInit | undefined;
  if (body instanceof Blob || body instanceof FormData) payload = body;
  else if (body !== undefined) {
    headers['content-type'] = 'application/json';
    payload = JSON.stringify(body);
  }
  let response: Response;
  try {
    response = await fetch(url, { method, headers, body: payload, signal: options.signal, credentials: 'same-origin' });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    const next = method === 'GET' ? 'Look at your connection; this page tries again by itself.' : 'It is not known to be saved: look at your connection, and do it again.';
    throw new Failure('The server does not answer.', 0, 'unreachable', next);
  }
  if (response.ok) return response;
  const said = await response.text();
  let read: unknown = said.startsWith('<') ? '' : said;
  try {
    read = JSON.parse(said);
  } catch {
    // Not JSON: what it says is the message.
  }
  const failure = readFailure(response.status, read);
  if (failure.code === 'account_suspended') return left(() => location.reload());
  const refused = response.status === 401 || (response.status === 403 && failure.code === 'invalid_authentication');
  if (!refused) throw failure;
  if (await signedIn()) throw new Failure(failure.message, 403, failure.code, failure.hint, failure.fields);
  return left(() => location.assign(signInAddress()));
}

/** The page is left for one of the server's own; nothing that waits for this answer should go on. */
function left(leave: () => void): Promise<never> {
  leave();
  return new Promise(() => {});
}

/** Some APIs say “not allowed” with the words of “not signed in”; whether somebody is, is asked. */
async function signedIn(): Promise<boolean> {
  const answer = await fetch('/api/identity/me', { headers: { accept: 'application/json' } }).catch(() => undefined);
  return answer?.status !== 401;
}

async function json<T>(response: Response): Promise<T> {
  if (response.status === 204) return undefined as T;
  const said = await response.text();
  return (said === '' ? undefined : JSON.parse(said)) as T;
}

export async function get<T>(url: string, options: Options = {}): Promise<T> {
  return json<T>(await exchange('GET', url, undefined, options));
}

export async function getText(url: string, options: Options = {}): Promise<string> {
  return (await exchange('GET', url, undefined, { ...options, headers: { accept: 'text/plain', ...options.headers } })).text();
}

export async function post<T = unknown>(url: string, body?: unknown, options: Options = {}): Promise<T> {
  return json<T>(await exchange('POST', url, body, options));
}

export async function put<T = unknown>(url: string, body?: unknown, options: Options = {}): Promise<T> {
  return json<T>(await exchange('PUT', url, body, options));
}

export async function patch<T = unknown>(url: string, body?: unknown, options: Options = {}): Promise<T> {
  return json<T>(await exchange('PATCH', url, body, options));
}

export async function del<T = unknown>(url: string, options: Options = {}): Promise<T> {
  return json<T>(await exchange('DELETE', url, undefined, options));
}

/** The whole answer, for those that need its headers. */
export async function raw(method: string, url: string, body?: unknown, options: Options = {}): Promise<Response> {
  return exchange(method, url, body, options);
}

/** `?a=1&b=2`; what is undefined is left out. */
export function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value));
  const said = query.toString();
  return said && `?${said}`;
}
