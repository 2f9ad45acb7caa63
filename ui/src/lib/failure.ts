// What went wrong with a request, in one shape, whichever face answered.

export interface FieldFailure {
  field: string;
  problem: string;
}

export class Failure extends Error {
  constructor(
    /** What is wrong, for people. */
    message: string,
    /** HTTP status; 0: no answer came. */
    readonly status: number,
    /** The face's own code: `CF-UnprocessableEntity`, `invalid_parameter`, `EntityNotFound`. */
    readonly code = '',
    /** What to do about it, if the face says so. */
    readonly hint = '',
    /** Faults of single fields. */
    readonly fields: FieldFailure[] = [],
  ) {
    super(message);
    this.name = 'Failure';
  }

  /** No answer: the network or the server is away, so nothing is known about what was sent. */
  get unreachable(): boolean {
    return this.status === 0;
  }

  get notFound(): boolean {
    return this.status === 404;
  }

  get forbidden(): boolean {
    return this.status === 403;
  }

  of(field: string): string | undefined {
    return this.fields.find((fault) => fault.field === field)?.problem;
  }
}

/** Any thrown thing as a failure. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(error instanceof Error ? error.message : String(error), -1);
}

const text = (value: unknown): string => (typeof value === 'string' ? value : '');

/** Reads an error body of any of the faces. */
export function readFailure(status: number, body: unknown): Failure {
  const fallback = `The server answered ${status}.`;
  if (typeof body !== 'object' || body === null) return new Failure(text(body) || fallback, status);
  const from = body as Record<string, unknown>;
  // Said in the forms of two faces at once.
  if (from.error === 'account_suspended') return new Failure(text(from.error_description), status, 'account_suspended');
  // Cloud Foundry: {"errors": [{"code", "title", "detail"}]}
  if (Array.isArray(from.errors)) {
    const errors = from.errors as { title?: string; detail?: string }[];
    return new Failure(errors.map((error) => error.detail ?? error.title).join(' ') || fallback, status, errors[0]?.title ?? '');
  }
  // Tracker: {"kind": "error", "code", "error", "general_problem", "possible_fix", "validation_errors": [{"field", "problem"}]}
  if (from.kind === 'error') {
    const fields = (Array.isArray(from.validation_errors) ? from.validation_errors : []) as FieldFailure[];
    // The general words often are those of the one field.
    const sentences = [text(from.general_problem), ...fields.map((fault) => fault.problem)].filter(Boolean);
    const said = sentences.filter((one, index) => !sentences.slice(0, index).some((before) => before.includes(one))).join(' ');
    return new Failure(said || text(from.error) || fallback, status, text(from.code), text(from.possible_fix), fields);
  }
  // Wrong shape: {"detail": [{"loc": ["body", "field"], "msg"}]}
  if (Array.isArray(from.detail)) {
    const fields = (from.detail as { loc?: unknown[]; msg?: string }[]).map((fault) => ({
      field: (fault.loc ?? []).filter((part) => part !== 'body').join('.'),
      problem: fault.msg ?? 'not understood',
    }));
    return new Failure(fields.map((fault) => `${fault.field}: ${fault.problem}`).join('; '), status, '', '', fields);
  }
  // OAuth and the platform: {"error", "error_description"}; jobs: {"error", "type"}
  const said = text(from.error_description) || text(from.message) || text(from.error) || text(from.detail);
  const fields = typeof from.field === 'string' ? [{ field: from.field, problem: said }] : [];
  return new Failure(said || fallback, status, text(from.type) || text(from.error), '', fields);
}
