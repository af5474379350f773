/** Facts about this host. */
import { mkdirSync, readFileSync, statfsSync } from 'node:fs';
import { availableParallelism, hostname, totalmem } from 'node:os';
import { PlateauError } from '../base/index.js';

export interface HostFacts {
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Size of the file system that holds the work directory. */
  readonly diskBytes: number;
  /** Changes with each boot of the host. */
  readonly bootId: string;
  readonly hostname: string;
}

/** What this host has. Makes the work directory when it is absent. */
export function hostFacts(workDir: string): HostFacts {
  assertLinux();
  mkdirSync(workDir, { recursive: true });
  const disk = statfsSync(workDir);
  // The limit of the control group, in a container; 0 or an enormous number when there is none.
  const constrained = process.constrainedMemory();
  const memoryBytes = totalmem();
  return {
    cpus: availableParallelism(),
    memoryBytes: constrained > 0 ? Math.min(memoryBytes, constrained) : memoryBytes,
    diskBytes: disk.blocks * disk.bsize,
    bootId: readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
    hostname: hostname(),
  };
}

/** @throws PlateauError `WRONG_PLATFORM` where no agent can run, saying what works instead. */
export function assertLinux(platform: string = process.platform): void {
  if (platform === 'linux') return;
  const message = `agents run on Linux only, and this is ${platform}: the simulator, the SDK and all clients work here; for an agent use a Linux host, virtual machine or container`;
  throw new PlateauError('WRONG_PLATFORM', message, { context: { platform } });
}
