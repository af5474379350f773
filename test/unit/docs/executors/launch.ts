import type { ExecutorInfo } from '../../../../core/index.js';

export function helloExecutor(frameworkId: string): ExecutorInfo {
  return {
    type: 'CUSTOM',
    executor_id: { value: 'hello' },
    framework_id: { value: frameworkId },
    command: { value: 'exec node /opt/hello/hello.js' },
    resources: [
      { name: 'cpus', type: 'SCALAR', scalar: { value: 0.1 } },
      { name: 'mem', type: 'SCALAR', scalar: { value: 64 } },
    ],
  };
}
