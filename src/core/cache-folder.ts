import { homedir, platform } from 'node:os';
import { join } from 'node:path';

/** Where downloaded and computed files are kept; it may be deleted at any time. `$XDG_CACHE_HOME`, or what the system has for it. */
export function cacheFolder(): string {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'recurrent-onnx');
  switch (platform()) {
    case 'win32':
      return join(LOCALAPPDATA ?? join(homedir(), 'AppData', 'Local'), 'recurrent-onnx', 'Cache');
    case 'darwin':
      return join(homedir(), 'Library', 'Caches', 'recurrent-onnx');
    default:
      return join(homedir(), '.cache', 'recurrent-onnx');
  }
}
