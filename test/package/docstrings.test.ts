/** What an editor shows: everything that the published types export says what it is, and each of its members too. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';
import { beforeAll, expect, it } from 'vitest';
import { build, repository } from './built-package.ts';

/** Every default filled in: inferred from the schemas. What a person writes has other names, and is documented. */
const inferred = ['Layer', 'OptimiserOptions', 'RunOptions'];

let checker: ts.TypeChecker;
const entries: Readonly<Record<string, { types: string } | string>> = JSON.parse(
  readFileSync(join(repository, 'package.json'), 'utf8'),
).exports;
const typed = Object.entries(entries).flatMap(([name, entry]) =>
  typeof entry === 'string' ? [] : [{ name, file: join(repository, entry.types) }],
);
let program: ts.Program;

beforeAll(() => {
  build();
  const options = { module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ES2023, strict: true, types: ['node'] };
  program = ts.createProgram({ rootNames: typed.map(({ file }) => file), options: { ...options, noEmit: true } });
  checker = program.getTypeChecker();
});

const isDocumented = (symbol: ts.Symbol) => symbol.getDocumentationComment(checker).length > 0;

/** Those that are declared in this package, and are no tag by which a union tells its members apart. */
function membersOf(symbol: ts.Symbol): ts.Symbol[] {
  if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias | ts.SymbolFlags.Class))) return [];
  const type = checker.getDeclaredTypeOfSymbol(symbol);
  return (type.isUnion() ? type.types : [type])
    .filter((part) => part.flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))
    .flatMap((part) => checker.getPropertiesOfType(part))
    .filter((property) => {
      const [declaration] = property.declarations ?? [];
      const own = declaration?.getSourceFile().fileName.startsWith(join(repository, 'dist'));
      const isTag = declaration && checker.getTypeOfSymbol(property).isLiteral();
      return own && !isTag;
    });
}

it.each(typed)('$name', ({ file }) => {
  const source = program.getSourceFile(file) as ts.SourceFile;
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(source) as ts.Symbol);
  expect(exported.length).toBeGreaterThan(0);
  const undocumented = exported.flatMap((symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    const members = inferred.includes(symbol.name) ? [] : membersOf(target);
    return [
      ...(isDocumented(target) ? [] : [symbol.name]),
      ...members.filter((member) => !isDocumented(member)).map((member) => `${symbol.name}.${member.name}`),
    ];
  });
  expect([...new Set(undocumented)]).toEqual([]);
});
