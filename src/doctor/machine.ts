/** Node, the processor, and the places where files go: what is known without running anything of the product. */
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { cacheFolder } from '../core/cache-folder.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { formatCountOf } from '../core/format-numbers.ts';
import { describeHost } from '../core/host.ts';
import { availableBuilds } from '../training/engines/wasm/kernels.ts';
import { memoryRoom } from '../training/memory.ts';
import { type Finding, finding } from './finding.ts';
import { isAtLeast } from './version.ts';

/** As `engines` of package.json says. */
export const leastNode = '20.19';

export function inspectMachine(): Finding[] {
  return [inspectNode(), inspectProcessor(), inspectWebAssembly(), inspectMemory(), inspectFolders()];
}

function inspectNode(): Finding {
  const { node } = process.versions;
  const flags = [...process.execArgv, process.env.NODE_OPTIONS].filter(Boolean).join(' ');
  const detail = [node, flags && `started with ${flags}`].filter(Boolean).join(', ');
  const facts = { version: node, least: leastNode, flags };
  if (isAtLeast(node, leastNode)) return finding('node', 'works', detail, { facts });
  return finding('node', 'broken', `${detail}; ${leastNode} or later is needed`, {
    fix: 'Install a current Node: https://nodejs.org',
    facts,
  });
}

function inspectProcessor(): Finding {
  const { cpu, cores, platform } = describeHost();
  const instructions = instructionSets();
  const detail = [`${cpu}, ${formatCountOf(cores, 'core')}, ${platform}`, instructions.join(' ')].filter(Boolean);
  return finding('processor', 'works', detail.join('; '), { facts: { cpu, cores, platform, instructions } });
}

/** Those that the native libraries gain by; told by Linux on x64 only. */
function instructionSets(): readonly string[] {
  const known = ['sse4_1', 'avx', 'avx2', 'fma', 'avx512f', 'avx512_bf16', 'amx_bf16'];
  if (!existsSync('/proc/cpuinfo')) return [];
  const flags = /^flags\s*: (.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1]?.split(' ') ?? [];
  return known.filter((name) => flags.includes(name));
}

function inspectWebAssembly(): Finding {
  const builds = availableBuilds();
  const [simd, relaxed] = [builds.includes('plain'), builds.includes('relaxed')];
  const facts = { simd, relaxedSimd: relaxed, threads: simd };
  if (!simd) {
    const jitless = typeof Reflect.get(globalThis, 'WebAssembly') === 'undefined';
    const detail = jitless ? 'switched off in this Node' : 'no SIMD with threads on this processor';
    return finding('webassembly', 'broken', detail, {
      facts,
      fix: jitless ? 'Start Node without --jitless.' : 'Train with --engine js.',
    });
  }
  const missing = relaxed ? '' : '; no relaxed SIMD, which Node 22 and later have: the plain kernels run';
  return finding('webassembly', 'works', `SIMD, threads${relaxed ? ', relaxed SIMD' : ''}${missing}`, { facts });
}

function inspectMemory(): Finding {
  const bytes = memoryRoom();
  const { memoryBytes } = describeHost();
  const detail = `${formatBytes(Math.max(bytes, 0))} for this process, ${formatBytes(memoryBytes)} in the machine`;
  return finding('memory', 'works', detail, { facts: { bytes, memoryBytes } });
}

function inspectFolders(): Finding {
  const folders = { temporary: tmpdir(), cache: cacheFolder() };
  const unwritable = Object.entries(folders).filter(([, folder]) => !canWrite(folder));
  const facts = { ...folders, unwritable: unwritable.map(([name]) => name) };
  if (unwritable.length === 0) return finding('folders', 'works', Object.values(folders).join(', '), { facts });
  const variable = { temporary: 'TMPDIR', cache: 'XDG_CACHE_HOME' } as Readonly<Record<string, string>>;
  return finding(
    'folders',
    'broken',
    unwritable.map(([name, folder]) => `the ${name} folder ${folder} cannot be written to`).join('; '),
    {
      facts,
      fix: `Set ${unwritable.map(([name]) => variable[name]).join(' and ')} to a folder that you may write to.`,
    },
  );
}

/** Or it can be made. */
function canWrite(folder: string): boolean {
  if (!existsSync(folder) && dirname(folder) !== folder) return canWrite(dirname(folder));
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
