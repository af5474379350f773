/** A whole cluster in this process, over real sockets: master, agent with its launcher, and servers. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Agent, agentConfig } from '../../../core/agent/index.js';
import { SILENT_LOGGER, systemWorld } from '../../../core/base/index.js';
import { AgentClient, OperatorClient } from '../../../core/client/index.js';
import {
  HostSandboxes,
  HostVolumes,
  ProcessContainerizer,
} from '../../../core/containers/index.js';
import { AgentServer, HttpMasterConnector, MasterServer } from '../../../core/http/index.js';
import { Master } from '../../../core/master/index.js';
import { parseResources } from '../../../core/resources/index.js';
import { MemoryStore } from '../../../core/store/index.js';

export interface LiveCluster {
  readonly masterUrl: string;
  readonly agentUrl: string;
  readonly operator: OperatorClient;
  readonly agentClient: AgentClient;
  readonly master: Master;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

/** Starts everything, and resolves when the agent is registered. */
export async function startCluster(): Promise<LiveCluster> {
  const workDir = mkdtempSync(join(tmpdir(), 'plateau-http-'));
  const world = systemWorld(SILENT_LOGGER);
  const log = SILENT_LOGGER;
  const common = { world, log, host: HOST, port: 0, flags: { cluster: 'live' }, filesRoots: [] };
  const masterServer = new MasterServer({ ...common, master: undefined });
  const { port: masterPort } = await masterServer.listen();
  const master = new Master({
    world,
    store: new MemoryStore(),
    config: { allocator: { allocationIntervalMs: 100 } },
    address: { hostname: 'localhost', ip: HOST, port: masterPort },
  });
  masterServer.attach(master);
  await master.start();
  const masterUrl = `http://${HOST}:${masterPort}`;

  const agentServer = new AgentServer({ ...common, workDir, agent: undefined });
  const { port } = await agentServer.listen();
  const connector = new HttpMasterConnector({ log, masters: [masterUrl] });
  const agent = new Agent({
    world,
    store: new MemoryStore(),
    containerizer: new ProcessContainerizer({ workDir, log }),
    sandboxes: new HostSandboxes({ workDir }),
    volumes: new HostVolumes({ log: SILENT_LOGGER }),
    connector,
    config: agentConfig({
      workDir,
      resources: parseResources('cpus:4;mem:1024;disk:1024;ports:[31000-31100]').toWire(),
      switchUser: false,
    }),
    address: { hostname: 'localhost', ip: HOST, port },
    bootId: 'boot',
  });
  connector.attach(agent);
  agentServer.attach(agent);
  await agent.start();
  while (master.cluster.agents.size === 0) await new Promise((resolve) => setImmediate(resolve));

  const agentUrl = `http://${HOST}:${port}`;
  return {
    masterUrl,
    agentUrl,
    master,
    operator: new OperatorClient({ address: masterUrl }),
    agentClient: new AgentClient({ address: agentUrl }),
    close: async () => {
      await agent.close('end-all');
      connector.close();
      await agentServer.close();
      master.stop();
      await masterServer.close();
      rmSync(workDir, { recursive: true, force: true });
    },
  };
}
