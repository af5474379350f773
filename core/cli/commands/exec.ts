/**
 * `plateau exec TASK COMMAND…`: runs a command beside a task, in its container; with `--tty` on a
 * terminal that follows this one, whose keys then all go to the command.
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Command } from 'commander';
import { type ContainerID, type Task, isTerminalState } from '../../api/index.js';
import { PlateauError, toDisposable } from '../../base/index.js';
import {
  AgentClient,
  DEFAULT_AGENT_PORT,
  type SessionTerminal,
  parseAddresses,
  runSession,
} from '../../client/index.js';
import { EXIT_CODES, SIGNAL_EXIT_BASE } from '../../command/index.js';
import {
  type ClientOptions,
  addClientOptions,
  commandWorld,
  operatorClient,
} from '../client-options.js';
import { agentAddress, allTasks, containerOf, findTask } from '../sandbox.js';

export function define(command: Command): void {
  addClientOptions(command)
    .argument('<task>', 'id of the task, or a unique beginning of it')
    .argument('<command...>', 'what to run, with its arguments')
    .option('-t, --tty', 'give the command a terminal')
    .passThroughOptions()
    .action(exec);
}

/** What the command line says. */
interface ExecOptions extends ClientOptions {
  readonly tty?: true;
}

async function exec(wanted: string, words: string[], options: ExecOptions): Promise<void> {
  const master = operatorClient(options);
  const task = findRunning(await allTasks(master), wanted);
  if (isTerminalState(task.state)) {
    throw new PlateauError('NOT_FOUND', `task ${task.task_id.value} has ended: ${task.state}`, {
      context: { taskId: task.task_id.value },
    });
  }
  const argv = words[0] === '--' ? words.slice(1) : words;
  const address = await agentAddress(task, master);
  const containerId = { value: randomUUID(), parent: containerOf(task) };
  const [url] = parseAddresses(address, DEFAULT_AGENT_PORT);
  if (url === undefined) return;
  const ending = new AbortController();
  const interrupt = (): void => ending.abort();
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const { stdin } = process;
  const terminal = options.tty === true ? ownWindow() : undefined;
  const isTerminal = stdin.isTTY && terminal !== undefined;
  // Every key is the command's: its own terminal says what they mean.
  if (isTerminal) stdin.setRawMode(true);
  try {
    await runSession({
      clock: commandWorld().clock,
      url,
      containerId,
      command: {
        shell: false,
        value: argv[0] ?? '',
        arguments: argv,
        environment: terminal && { variables: [{ name: 'TERM', value: terminalType() }] },
      },
      onOutput: write,
      input: stdin.isTTY && !isTerminal ? undefined : stdin,
      terminal,
      signal: ending.signal,
    });
    process.exitCode = await exitCodeOf(new AgentClient({ address }), containerId);
  } catch (error) {
    if (!ending.signal.aborted) throw error;
    process.exitCode = EXIT_CODES.interrupted;
  } finally {
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
    if (isTerminal) stdin.setRawMode(false);
    // Whoever gives us input may never end it: it must not keep us.
    stdin.destroy();
  }
}

/** The window in which this runs; without one, that of the oldest terminals. */
function ownWindow(): SessionTerminal {
  const { stdout } = process;
  return {
    size: () => ({ rows: stdout.rows || DEFAULT_ROWS, columns: stdout.columns || DEFAULT_COLUMNS }),
    onResize: (listener) => {
      stdout.on('resize', listener);
      return toDisposable(() => stdout.off('resize', listener));
    },
  };
}

const DEFAULT_ROWS = 24;
const DEFAULT_COLUMNS = 80;

function terminalType(): string {
  const own = process.env['TERM'] ?? '';
  return process.stdout.isTTY && own !== '' ? own : 'xterm';
}

/** Among tasks of similar names those that have ended are not meant. */
function findRunning(tasks: readonly Task[], wanted: string): Task {
  const running = tasks.filter(({ state }) => !isTerminalState(state));
  const isThere = running.some(({ task_id }) => task_id.value.startsWith(wanted));
  return findTask(isThere ? running : tasks, wanted);
}

async function write(stream: 'stdout' | 'stderr', bytes: Buffer): Promise<void> {
  if (!process[stream].write(bytes)) await once(process[stream], 'drain');
}

/** How the command ended, as a shell tells it; the container is forgotten then. */
async function exitCodeOf(agent: AgentClient, container_id: ContainerID): Promise<number> {
  const answer = await agent.call({ type: 'WAIT_CONTAINER', wait_container: { container_id } });
  await agent.call({ type: 'REMOVE_CONTAINER', remove_container: { container_id } });
  const { exit_status: word, message } = answer?.wait_container ?? {};
  if (word === undefined) {
    throw new PlateauError(
      'STREAM_ENDED',
      `The command ended unseen: ${message ?? 'no reason given'}`,
    );
  }
  const signal = word & SIGNAL_BITS;
  return signal === 0 ? word >> CODE_SHIFT : SIGNAL_EXIT_BASE + signal;
}

/** A wait(2) status word: the signal below, the exit code above. */
const SIGNAL_BITS = 0x7f;
const CODE_SHIFT = 8;
