/**
 * Checks the layers: prints a line for each import that the architecture does not allow and for each
 * cycle, and ends with 1 if there are any. Run as `node dist/test/checks/imports.js`; another root
 * may be given as an argument.
 */
import { fileURLToPath } from 'node:url';
import { type ImportEdge, findCycles, readImports } from './import-graph.js';
import {
  areaOf,
  isLauncher,
  mayImport,
  mayImportDynamically,
  mayLauncherLoad,
} from './import-rules.js';

/** The complaints about the tree below the folder; empty: none. */
export function checkImports(root: string): readonly string[] {
  const edges = readImports(root, ['core', 'sdk', 'frameworks']);
  const complaints = edges.flatMap((edge) => complaintsAbout(edge));
  complaints.push(...launcherComplaints(edges));
  const staticEdges = edges.filter((edge) => !edge.isDynamic);
  const areaCycles = findCycles(staticEdges.flatMap(areaEdge));
  const fileCycles = findCycles(staticEdges);
  return [
    ...complaints,
    ...areaCycles.map((cycle) => `cycle of areas: ${cycle.join(' → ')}`),
    ...fileCycles.map((cycle) => `cycle of files: ${cycle.join(' → ')}`),
  ];
}

/** The index of all of the core is above every area: it takes part in no cycle of areas. */
function areaEdge({ from, to }: ImportEdge): readonly { from: string; to: string }[] {
  const [one, other] = [areaOf(from), areaOf(to)];
  return one === undefined || other === undefined ? [] : [{ from: one, to: other }];
}

function complaintsAbout({ from, to, isDynamic }: ImportEdge): readonly string[] {
  const [area, other] = [areaOf(from), areaOf(to)];
  if (area === undefined) return [];
  if (isLauncher(from) && other === 'core/base') return [];
  if (area === other || (isDynamic && mayImportDynamically(area))) return [];
  if (other === undefined || !mayImport(area, other)) return [notAllowed(from, to, area)];
  // The door of the whole core is a file of its own, and an area by itself.
  if (to !== other && to !== `${other}/index.ts`) {
    return [`${from}: imports ${to}, of which only ${other}/index.js may be imported`];
  }
  return [];
}

/** Follows the imports of the launcher: what it loads costs memory on each host, for ever. */
function launcherComplaints(edges: readonly ImportEdge[]): readonly string[] {
  const loaded = new Set(edges.map(({ from }) => from).filter((file) => isLauncher(file)));
  const complaints: string[] = [];
  // The set grows while it is walked; new members are visited as well.
  for (const file of loaded) {
    for (const { from, to } of edges) {
      if (from !== file || to === file) continue;
      if (mayLauncherLoad(to)) loaded.add(to);
      else complaints.push(`${from}: imports ${to}, which the launcher (it loads this) may not`);
    }
  }
  return complaints;
}

function notAllowed(from: string, to: string, who: string): string {
  return `${from}: imports ${to}, which ${who} may not`;
}

function main(): void {
  const root = process.argv[2] ?? process.cwd();
  const complaints = checkImports(root);
  for (const complaint of complaints) process.stderr.write(`${complaint}\n`);
  if (complaints.length > 0) process.exitCode = 1;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
