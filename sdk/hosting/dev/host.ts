/** What `plateau framework dev` needs of the command that it belongs to: a cluster on this host. */

export interface DevClusterOptions {
  /** Folder of its registry, checkpoints, sandboxes and logs. */
  readonly workDir: string;
  readonly agents: number;
  /** Port of the master; agents take those after it. 0: free ones. */
  readonly port: number;
  /** Told when one of its programs died and is started again. */
  readonly onRestart: (name: string, how: string) => void;
}

export interface DevCluster {
  readonly masterUrl: string;
  /** Ends all tasks and programs. */
  stop(): Promise<void>;
}

/** Given by the command, which knows the master and the agents; the SDK does not. */
export interface DevHost {
  /** Script of the `plateau` command. */
  readonly main: string;
  /** Starts a cluster and resolves when it serves; on failure nothing of it is left. */
  startCluster(options: DevClusterOptions): Promise<DevCluster>;
}
