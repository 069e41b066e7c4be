import { fail } from '../../src/core/errors.ts';

/** @throws INPUT_INVALID */
export function checkTexts(texts: readonly string[]): void {
  if (!Array.isArray(texts)) fail('INPUT_INVALID', 'the texts are no array', 'Give an array of strings.');
  for (let index = 0; index < texts.length; index++) checkText(texts[index], `text ${index}`);
}

/** @throws INPUT_INVALID */
export function checkText(text: unknown, name: string): void {
  if (typeof text === 'string') return;
  fail('INPUT_INVALID', `${name} is ${text === null ? 'null' : typeof text}, not a string`, 'Give strings.');
}
