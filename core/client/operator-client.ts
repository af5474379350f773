/** Speaking to a master as an operator does. */
import { PlateauError } from '../base/index.js';
import { ApiClient, type ApiClientOptions, type FilePart } from './api-client.js';
import type { FileInfo, QuotaConfig, WeightInfo } from '../api/index.js';

/** The port of a master, unless its address names one. */
export const DEFAULT_MASTER_PORT = 5050;

/**
 * Calls and pages of the leading master. Any master of the cluster may be asked: those that do not
 * lead send on to the one that does.
 */
export class OperatorClient extends ApiClient<'MasterCall', 'MasterResponse'> {
  constructor(options: ApiClientOptions) {
    super(
      {
        who: 'master',
        call: 'MasterCall',
        response: 'MasterResponse',
        defaultPort: DEFAULT_MASTER_PORT,
      },
      options,
    );
  }

  /** Reads at most 64 KiB of a file such as `/master/log`; beyond its end there is no data. */
  async readFile(path: string, offset: number, length?: number): Promise<FilePart> {
    const read_file = { path, offset: BigInt(offset), ...lengthMember(length) };
    const answer = await this.call({ type: 'READ_FILE', read_file });
    return filePart(path, answer?.read_file);
  }

  /** The weights that were ever set; other roles have weight 1. */
  async weights(): Promise<readonly WeightInfo[]> {
    const answer = await this.call({ type: 'GET_WEIGHTS' });
    return answer?.get_weights?.weight_infos ?? [];
  }

  /** Sets weights of roles: all of them, or none and throws `CALL_REFUSED`. */
  async updateWeights(weight_infos: readonly WeightInfo[]): Promise<void> {
    await this.call({ type: 'UPDATE_WEIGHTS', update_weights: { weight_infos } });
  }

  /** The quotas of roles, in the order of their names. */
  async quotas(): Promise<readonly QuotaConfig[]> {
    const answer = await this.call({ type: 'GET_QUOTA' });
    return answer?.get_quota?.status.configs ?? [];
  }

  /**
   * Sets quotas of roles: all of them, or none and throws `CALL_REFUSED`. `isForced` passes the checks
   * whether a role holds more than its limits, and whether the cluster can keep all guarantees.
   */
  async updateQuota(quota_configs: readonly QuotaConfig[], isForced = false): Promise<void> {
    const update_quota = { quota_configs, force: isForced };
    await this.call({ type: 'UPDATE_QUOTA', update_quota });
  }

  /** Removes the quota of a role; throws `CALL_REFUSED` when it has none. */
  async removeQuota(role: string): Promise<void> {
    await this.call({ type: 'REMOVE_QUOTA', remove_quota: { role } });
  }

  /** Lists a folder. */
  async listFiles(path: string): Promise<readonly FileInfo[]> {
    const answer = await this.call({ type: 'LIST_FILES', list_files: { path } });
    return answer?.list_files?.file_infos ?? [];
  }
}

/** The member `length` of a READ_FILE, if there is one. */
export function lengthMember(length: number | undefined): { readonly length?: bigint } {
  return length === undefined ? {} : { length: BigInt(length) };
}

/** The part of a file from the answer to READ_FILE. */
export function filePart(
  path: string,
  answer: { readonly size: bigint; readonly data: string } | undefined,
): FilePart {
  if (answer === undefined) {
    throw new PlateauError('INVALID_MESSAGE', `The answer to READ_FILE of ${path} has no file.`);
  }
  return { size: Number(answer.size), data: Buffer.from(answer.data, 'base64') };
}
