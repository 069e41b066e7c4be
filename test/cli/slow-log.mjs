/** Loaded before the command line (NODE_OPTIONS=--import): what it writes to standard error by and by comes half a second later. */
import fs from 'node:fs';

const { write } = fs;
Object.defineProperty(fs, 'write', {
  /** @param {[number, ...unknown[]]} args */
  value: (...args) => setTimeout(() => Reflect.apply(write, fs, args), args[0] === 2 ? 500 : 0),
});
