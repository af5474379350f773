/** Speaking to an agent: its state, and the files of sandboxes. */
import type { FileInfo } from '../api/index.js';
import { ApiClient, type ApiClientOptions, type FilePart } from './api-client.js';
import { filePart, lengthMember } from './operator-client.js';

/** The port of an agent, unless its address names one. */
export const DEFAULT_AGENT_PORT = 5051;

/** Calls and pages of one agent. */
export class AgentClient extends ApiClient<'AgentCall', 'AgentResponse'> {
  constructor(options: ApiClientOptions) {
    super(
      {
        who: 'agent',
        call: 'AgentCall',
        response: 'AgentResponse',
        defaultPort: DEFAULT_AGENT_PORT,
      },
      options,
    );
  }

  /** Reads at most 64 KiB of a file of a sandbox; beyond its end there is no data. */
  async readFile(path: string, offset: number, length?: number): Promise<FilePart> {
    const read_file = { path, offset: BigInt(offset), ...lengthMember(length) };
    const answer = await this.call({ type: 'READ_FILE', read_file });
    return filePart(path, answer?.read_file);
  }

  /** Lists a folder of a sandbox. */
  async listFiles(path: string): Promise<readonly FileInfo[]> {
    const answer = await this.call({ type: 'LIST_FILES', list_files: { path } });
    return answer?.list_files?.file_infos ?? [];
  }
}
