/** Finds a framework that runs on a cluster: the master tells where the admin interfaces of frameworks are. */
import type { MasterResponseGetFrameworksFramework } from '../../core/api/index.js';
import { PlateauError } from '../../core/base/index.js';
import { OperatorClient } from '../../core/client/index.js';

export interface FindFrameworkOptions {
  /** Name in `@Framework`. */
  readonly name: string;
  /** Addresses of masters with commas between. */
  readonly masters: string;
  /** How its address is given by hand, for messages, such as `--batch URL`. */
  readonly option?: string;
}

/** A framework that runs. */
export interface FoundFramework {
  readonly frameworkId: string;
  /** Of the admin interface, without a slash at its end. */
  readonly url: string;
}

/**
 * Asks the master for the framework of a name.
 * @throws PlateauError `NOT_FOUND` when none is connected, when it does not say where it is, or when there
 *   are several; `MASTER_UNREACHABLE`.
 */
export async function findFramework(options: FindFrameworkOptions): Promise<FoundFramework> {
  const { name, masters, option } = options;
  const byHand = option === undefined ? '' : `, or say where it is with ${option}`;
  const master = new OperatorClient({ address: masters });
  const frameworks =
    (await master.call({ type: 'GET_FRAMEWORKS' }))?.get_frameworks?.frameworks ?? [];
  const running = frameworks.filter((each) => each.framework_info.name === name && each.connected);
  const [only, ...others] = running;
  if (only === undefined) {
    throw notFound(name, `no framework '${name}' is connected to the master: start one${byHand}`);
  }
  if (others.length > 0) {
    const urls = running.map((each) => urlOf(each) ?? '(unknown)').join(', ');
    throw notFound(name, `several frameworks are named '${name}', at ${urls}: name one${byHand}`);
  }
  const url = urlOf(only);
  const frameworkId = only.framework_info.id?.value;
  if (url === undefined || frameworkId === undefined) {
    throw notFound(
      name,
      `the framework '${name}' has no admin interface: start it with one${byHand}`,
    );
  }
  return { frameworkId, url };
}

function urlOf({ framework_info }: MasterResponseGetFrameworksFramework): string | undefined {
  const { webui_url: url } = framework_info;
  return url === undefined || url === '' ? undefined : url.replace(/\/+$/, '');
}

function notFound(name: string, message: string): PlateauError {
  return new PlateauError('NOT_FOUND', message, { context: { framework: name } });
}
