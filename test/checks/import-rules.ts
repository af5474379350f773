/**
 * Who may import whom, as the architecture page states it. An area is a folder of `core`, `sdk` or
 * `frameworks`; it is named by its path.
 */

const BELOW_API = ['core/base', 'core/api'];
const BELOW_RESOURCES = [...BELOW_API, 'core/resources'];

/** What each area of the core may import besides itself. */
const CORE: Readonly<Record<string, readonly string[]>> = {
  'core/base': [],
  'core/api': ['core/base'],
  'core/resources': BELOW_API,
  'core/allocator': BELOW_RESOURCES,
  'core/master': [...BELOW_RESOURCES, 'core/allocator'],
  'core/agent': BELOW_RESOURCES,
  'core/client': BELOW_API,
  'core/store': BELOW_API,
  'core/election': [...BELOW_API, 'core/store', 'core/client'],
  'core/containers': [...BELOW_API, 'core/agent'],
  'core/http': [...BELOW_RESOURCES, 'core/allocator', 'core/master', 'core/agent'],
  'core/simulation': [
    ...BELOW_RESOURCES,
    'core/allocator',
    'core/master',
    'core/agent',
    'core/store',
    'core/election',
  ],
  'core/command': [...BELOW_API, 'core/client'],
};

const SDK = [...BELOW_RESOURCES, 'core/client', 'core/store', 'core/election', 'core/command'];

/** Exceptions, each with its reason. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  // Its runs are batch jobs.
  'frameworks/cron': ['frameworks/batch'],
  // Frameworks under test run on the simulated cluster.
  'sdk/testing': ['core/simulation'],
  // An allocator that stands on the public door of the kernel alone; a job for the batch scheduler.
  'frameworks/examples': ['core/index.ts', 'frameworks/batch'],
};

/** The composition roots: they may import every area of the core. */
const ROOTS = ['core/index.ts', 'core/cli'];

/** Starts fast and holds little: its files may import single files of base. */
const LAUNCHER = 'core/containers/launcher/';

/** The area of a file, by its path from the root of the repository; undefined: none. */
export function areaOf(file: string): string | undefined {
  const [top, second] = file.split('/');
  if (second === undefined || !['core', 'sdk', 'frameworks'].includes(top ?? '')) return undefined;
  return `${top}/${second}`;
}

/** Whether the area may import from the other one. */
export function mayImport(area: string, other: string): boolean {
  if (ROOTS.includes(area)) return other.startsWith('core/');
  if (EXCEPTIONS[area]?.includes(other) === true) return true;
  const allowed = CORE[area];
  if (allowed !== undefined) return allowed.includes(other);
  if (area.startsWith('sdk/')) return SDK.includes(other) || other.startsWith('sdk/');
  if (area.startsWith('frameworks/')) return other === 'core/command' || other.startsWith('sdk/');
  return false;
}

/** Whether the file belongs to the process of the launcher. */
export function isLauncher(file: string): boolean {
  return file.startsWith(LAUNCHER);
}

/** Whether the launcher may load the file, directly or by what it imports. */
export function mayLauncherLoad(file: string): boolean {
  return ['core/base', 'core/containers'].includes(areaOf(file) ?? '');
}

/** The command reaches what stands on the core by dynamic imports. */
export function mayImportDynamically(area: string): boolean {
  return area === 'core/cli';
}
