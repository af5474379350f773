/** Answers that refuse, in Marathon's form: `{"message", "details", "deployments"}`. */
import { RequestRefused } from '../../../sdk/admin/index.js';
import type { AppProblem } from '../apps/normalise.js';
import type { DeploymentRecord } from '../state/model.js';

export class ApiRefused extends RequestRefused {
  readonly body: Readonly<Record<string, unknown>>;

  constructor(
    status: number,
    body: { readonly message: string } & Readonly<Record<string, unknown>>,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super(status, body.message, { headers });
    this.body = body;
  }
}

/** The body of any refusal. */
export function refusalBody(refused: RequestRefused): Readonly<Record<string, unknown>> {
  return refused instanceof ApiRefused ? refused.body : { message: refused.message };
}

export function refuseApi(status: number, message: string): ApiRefused {
  return new ApiRefused(status, { message });
}

export function noApp(id: string): ApiRefused {
  return refuseApi(404, `App '${id}' does not exist`);
}

/** 422: all that is wrong, by path. */
export function invalid(problems: readonly AppProblem[]): ApiRefused {
  const byPath = new Map<string, string[]>();
  for (const { path, message } of problems) {
    byPath.set(path, [...(byPath.get(path) ?? []), message]);
  }
  const details = [...byPath].map(([path, errors]) => ({ path, errors }));
  return new ApiRefused(422, { message: 'Object is not valid', details });
}

/** 409: other deployments are at work on the app. */
export function locked(deployments: readonly DeploymentRecord[]): ApiRefused {
  return new ApiRefused(409, {
    message:
      "App is locked by one or more deployments. Override with the option '?force=true'. " +
      "View details at '/v2/deployments/<DEPLOYMENT_ID>'.",
    deployments: deployments.map(({ id }) => ({ id })),
  });
}
