import { fail } from '../../src/core/errors.ts';

/** A label of DNS (RFC 1123), which Kubernetes asks of names; Triton and Docker take it as well. */
const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** @param asked for, else made from `model`, the name in the spec @throws OPTION_INVALID */
export function serviceName(asked: string | undefined, model: string): string {
  const name = asked ?? labelFrom(model);
  if (label.test(name)) return name;
  return fail(
    'OPTION_INVALID',
    asked === undefined
      ? `the model's name "${model}" gives no name of a service`
      : `"${name}" is no name of a service`,
    'Give --name: 1 to 63 of a-z, 0-9 and -, with a letter or digit at both ends.',
  );
}

function labelFrom(model: string): string {
  return model
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-|-$/g, '');
}
