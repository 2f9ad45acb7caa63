// What a job says of its own endpoints (OpenAPI 3), read for a form. Whatever is not understood stays editable as JSON.

export interface Parameter {
  name: string;
  kind: 'text' | 'number' | 'integer' | 'boolean' | 'choice' | 'json';
  choices?: string[];
  required: boolean;
  description: string;
  /** As it is written in the field. */
  initial: string;
}

export interface Endpoint {
  method: string;
  /** Below the job's own address: `/api/v1/perform`. */
  path: string;
  summary: string;
  description: string;
  takesBody: boolean;
  /** Fields of the body; empty when its shape is not told. */
  fields: Parameter[];
  /** The whole body as JSON to begin with. */
  example: string;
}

type Json = Record<string, unknown>;
const object = (value: unknown): Json => (typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {});
const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Follows `#/components/…`; a circle ends after some steps. */
function resolve(value: unknown, root: Json): Json {
  let found = object(value);
  for (let steps = 0; typeof found.$ref === 'string' && steps < 20; steps += 1) {
    if (!found.$ref.startsWith('#/')) return {};
    let at: unknown = root;
    for (const part of found.$ref.slice(2).split('/')) at = object(at)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
    found = object(at);
  }
  return found;
}

export function endpoints(document: unknown, base: string): Endpoint[] {
  const root = object(document);
  const found: Endpoint[] = [];
  for (const [path, methods] of Object.entries(object(root.paths))) {
    for (const [method, value] of Object.entries(object(methods))) {
      if (!['get', 'post', 'put', 'patch', 'delete'].includes(method)) continue;
      found.push(endpoint(method.toUpperCase(), path, object(value), root, base));
    }
  }
  const rank = (one: Endpoint) => (one.path === '/api/v1/perform' ? 0 : one.path.startsWith('/api/v1/') && one.method !== 'GET' ? 1 : one.path.startsWith('/api/v1/') ? 2 : 3);
  return found.sort((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path));
}

function endpoint(method: string, path: string, operation: Json, root: Json, base: string): Endpoint {
  // Jobs know the address that they are reached at, and may name their paths with it or without.
  const own = /^\/pub\/job\/[^/]+\/[^/]+/.exec(path)?.[0] ?? (path.startsWith(base) ? base : '');
  const body = resolve(operation.requestBody, root);
  const media = object(object(body.content)['application/json']);
  const schema = resolve(media.schema, root);
  const given = media.example ?? object(Object.values(object(media.examples))[0]).value ?? schema.example ?? (Array.isArray(schema.examples) ? schema.examples[0] : undefined) ?? schema.default;
  const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
  const values = object(given);
  const fields = Object.entries(object(schema.properties)).map(([name, value]) => parameter(name, resolve(value, root), required.has(name), values[name], root));
  // An example tells more names than a schema that leaves them open.
  for (const [name, value] of Object.entries(values)) {
    if (!fields.some((field) => field.name === name)) fields.push(parameter(name, guess(value), false, value, root));
  }
  const example = given ?? Object.fromEntries(fields.filter((field) => field.required || field.initial !== '').map((field) => [field.name, read(field, field.initial)]));
  return {
    method,
    path: path.slice(own.length) || '/',
    summary: text(operation.summary),
    description: text(operation.description),
    takesBody: method !== 'GET' && method !== 'DELETE' && Object.keys(body).length > 0,
    fields,
    example: JSON.stringify(example, null, 2),
  };
}

function guess(value: unknown): Json {
  if (typeof value === 'number') return { type: Number.isInteger(value) ? 'number' : 'number' };
  if (typeof value === 'boolean') return { type: 'boolean' };
  if (typeof value === 'string') return { type: 'string' };
  return {};
}

function parameter(name: string, schema: Json, required: boolean, example: unknown, root: Json): Parameter {
  const alternatives = (Array.isArray(schema.anyOf) ? schema.anyOf : Array.isArray(schema.oneOf) ? schema.oneOf : []).map((one) => resolve(one, root));
  const real = alternatives.filter((one) => one.type !== 'null');
  const chosen = real.length === 1 && real[0] ? { ...real[0], ...schema, type: real[0].type } : schema;
  const type = Array.isArray(chosen.type) ? (chosen.type as string[]).find((one) => one !== 'null') : chosen.type;
  const choices = Array.isArray(chosen.enum) ? (chosen.enum as unknown[]).map(String) : undefined;
  let kind: Parameter['kind'] = 'json';
  if (choices) kind = 'choice';
  else if (type === 'string') kind = 'text';
  else if (type === 'number' || type === 'integer' || type === 'boolean') kind = type;
  else if (type === undefined && alternatives.length === 0 && (example === undefined || typeof example === 'string')) kind = example === undefined ? 'json' : 'text';
  const initial = example ?? chosen.default;
  const shown = initial === undefined || initial === null ? '' : kind === 'json' ? JSON.stringify(initial) : String(initial);
  return { name, kind, choices, required, description: text(chosen.description), initial: shown };
}

export class BadValue extends Error {
  constructor(
    readonly field: string,
    message: string,
  ) {
    super(message);
  }
}

/** What is written in a field, as the job is sent it; undefined: left out. */
export function read(field: Parameter, written: string): unknown {
  const value = written.trim();
  if (field.kind === 'text' || field.kind === 'choice') return written === '' && !field.required ? undefined : written;
  if (value === '') return undefined;
  if (field.kind === 'boolean') return value === 'true';
  if (field.kind === 'json') {
    try {
      return JSON.parse(value);
    } catch {
      throw new BadValue(field.name, 'This is no JSON. Texts stand in quotes.');
    }
  }
  const number = Number(value);
  if (Number.isNaN(number) || (field.kind === 'integer' && !Number.isInteger(number))) throw new BadValue(field.name, field.kind === 'integer' ? 'A whole number is wanted.' : 'A number is wanted.');
  return number;
}
