import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { catalogue, type ErrorCode, fail, invariant, RecurrentError } from '../../src/core/errors.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

const sources = ['src', 'models', 'exporters', 'runtime'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => ({ path: `${folder}/${file}`, text: readFileSync(join(root, folder, file), 'utf8') })),
);

/** The page of the handbook, from the catalogue. */
function errorsPage(): string {
  const rows = Object.entries(catalogue)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([code, { when, exit, http, grpc }]) => `| \`${code}\` | ${when} | ${exit} | ${http} | \`${grpc}\` |`);
  return `# Errors

<!-- Written from src/core/errors.ts by: npx vitest run test/core/errors.test.ts --update -->

Every error of this package is a \`RecurrentError\` with a \`code\` that programs can test, a \`message\` that says what was
wrong and where, and a \`hint\` that says what to do. \`JSON.stringify(error)\` gives these three.

The command line prints message and hint on standard error, or with \`--json\` one object
\`{"error": {"code", "message", "hint"}}\`. It ends with the exit status of the table: 2 for a mistake in what it was given,
1 for a fault of the program or the machine, 130 when it was interrupted, as shells have it. The last two columns are
the statuses that a server answers with.

| code | when | exit | HTTP | gRPC |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

describe('the error catalogue', () => {
  it('is what docs/errors.md lists', async () => {
    await expect(errorsPage()).toMatchFileSnapshot('../../docs/errors.md');
  });

  it('calls it a mistake of the user if, and only if, HTTP does', () => {
    // A part that is not installed is the user’s to mend (2), though a server has to answer 503.
    const missing: ErrorCode[] = ['ENGINE_MISSING', 'PROVIDER_MISSING', 'PROVIDER_FALLBACK', 'PACKAGE_MISSING'];
    for (const [code, { exit, http }] of Object.entries(catalogue)) {
      // 429: the server is busy, which is nobody's mistake.
      const usersMistake = (http >= 400 && http < 500 && http !== 429) || missing.some((name) => name === code);
      const expected = code === 'INTERRUPTED' ? 130 : usersMistake ? 2 : 1;
      expect(`${code}: ${exit}`).toBe(`${code}: ${expected}`);
    }
  });

  it('has no code that nothing raises', () => {
    const raised = (code: string): boolean =>
      sources.some(({ path, text }) => path !== 'src/core/errors.ts' && text.includes(`'${code}'`));
    expect(Object.keys(catalogue).filter((code) => !raised(code))).toEqual([]);
  });

  it('is the only source of errors', () => {
    const others = sources.flatMap(({ path, text }) =>
      [...text.matchAll(/(?:throw|reject\()\s*new (?!RecurrentError\b)\w+|reject\(new (?!RecurrentError\b)\w+/g)].map(
        ([thrown]) => `${path}: ${thrown}`,
      ),
    );
    expect(others).toEqual([]);
  });
});

describe('fail', () => {
  it('throws what programs and people need', () => {
    const cause = new Error('deeper');
    const caught = (() => {
      try {
        return fail('SPEC_INVALID', 'layers[1].units must be above 0, got -1', 'Give a number of units.', cause);
      } catch (error) {
        return error;
      }
    })();
    expect(caught).toBeInstanceOf(RecurrentError);
    expect(caught).toBeInstanceOf(Error);
    expect(caught).toMatchObject({ name: 'RecurrentError', cause });
    expect(JSON.parse(JSON.stringify(caught))).toEqual({
      code: 'SPEC_INVALID',
      message: 'layers[1].units must be above 0, got -1',
      hint: 'Give a number of units.',
    });
  });

  it('adds no cause where there is none', () => {
    expect(() => fail('INTERNAL', 'a', 'b')).toThrow(expect.not.objectContaining({ cause: expect.anything() }));
    expect('cause' in new RecurrentError('INTERNAL', 'a', 'b')).toBe(false);
  });
});

describe('invariant', () => {
  it('throws INTERNAL when it does not hold, and only then', () => {
    expect(() => invariant(true, 'holds')).not.toThrow();
    expect(() => invariant(false, 'two is one')).toThrow(
      expect.objectContaining({ code: 'INTERNAL', message: 'two is one' }),
    );
  });
});
